// docs/formats.md: what was found out, as text that people read, and the same text read back.

/** A thing that opens or is written, in the column `name`, or in a row that begins with `labels`. */
export interface Table {
  readonly heads: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly labels: readonly string[];
  /** By column: 'yes', or why not. */
  readonly outcomes: readonly string[];
}

export const YES = 'yes';

/** What `text` says of a cell, `undefined` where it has none. */
export function recordedOutcome(
  text: string,
  labels: readonly string[],
  columns: readonly string[],
  column: number,
): string | undefined {
  const lines = text.split('\n');
  const head = lines.findIndex((line) => cellsOf(line).slice(labels.length).join() === columns.join());
  const end = lines.indexOf('', head);
  const row = lines
    .slice(head, end)
    .map(cellsOf)
    .find((cells) => cells.slice(0, labels.length).join() === labels.join());
  const cell = row?.[labels.length + column];
  const note = /^no \((\d+)\)$/.exec(cell ?? '')?.[1];
  if (note === undefined) return cell;
  return lines.find((line) => line.startsWith(`${note}. `))?.slice(note.length + 2);
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** Reasons, numbered as they come up. */
class Notes {
  readonly #reasons: string[] = [];

  cell(outcome: string): string {
    if (outcome === YES) return YES;
    if (!this.#reasons.includes(outcome)) this.#reasons.push(outcome);
    return `no (${this.#reasons.indexOf(outcome) + 1})`;
  }

  get text(): string {
    return this.#reasons.map((reason, i) => `${i + 1}. ${reason}\n`).join('');
  }
}

function tableText({ heads, columns, rows }: Table, notes: Notes): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const names = [...heads, ...columns];
  const body = rows.map(({ labels, outcomes }) =>
    line([...labels, ...outcomes.map((outcome) => notes.cell(outcome))]),
  );
  return `${line(names)}|${'---|'.repeat(names.length)}\n${body.join('')}`;
}

export function documentOf(inputs: Table, readers: Table): string {
  const notes = new Notes();
  return `# What opens what

Written by \`npm run formats\` from what it opened, wrote and compared; a test tries some of the cells again, and fails
where one is no longer true.

## What vmcore opens, and what it writes of it

Each input was opened, by its content alone, and written in each form (\`raw\` to \`split\` are kdump-compressed). What was
written was opened again, and each of its pages compared with the input's.

${tableText(inputs, notes)}
- *the kernel*: cores that a kernel's \`/proc/vmcore\` gave. *makedumpfile* and *QEMU* are Debian 12's (1.7.2, 7.2).
- *QEMU, recoded*: Debian builds QEMU without LZO and Snappy, so that it refuses \`dump-guest-memory -l\` and \`-s\`. These files
  are its dump of \`-z\`, record by record, with each page in the other codec.
- *test code*: files built field by field, for what no program at hand writes. Those of kdump-compressed versions have pages
  of all five kinds: raw, zlib, LZO, Snappy and zstd.
- *s390 stand-alone dump*: of one volume, all of memory and the extended format of it, as it is and compressed. A dump of the
  extended format has no pages of the megabytes that its dumper left out, which were zeros. \`zgetdump\` makes one file of a
  multi-volume dump.
- Members of a split set are opened together, in any order. Of a dump that was cut off what is there was copied; what is
  lost is an error (\`ERR_VMCORE_NOT_PRESENT\`), or zeros where asked for.

## What else opens it

Dumps of level 31 of a Linux 6.1 on x86_64, and QEMU's own dumps of such a machine, in Debian 12's makedumpfile 1.7.2, crash
8.0.2, drgn 0.0.22 and libkdumpfile 0.5.1 (by their Python modules, which open one file; a split set by libkdumpfile's C function
\`kdump_open_fdset()\`).

- *makedumpfile*: it filtered the dump once more (of a split set: put it together), and every page of that is the core's.
- *makedumpfile -R*: it put the flattened stream together, and every page of that is the core's.
- *crash*, *drgn*, *libkdumpfile*: pages from all over memory were read by physical address, and are the core's.

${tableText(readers, notes)}
Why not:

${notes.text}`;
}
