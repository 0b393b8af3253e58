// docs/formats.md is true: some of its cells are tried again, and the rest of it is what these make of it.
// `npm run formats` tries all, and writes it; VMCORE_WRITE_FORMATS='QEMU.*crash$' only what it matches.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { isVmcoreError, openVmcore, type SelectPages, type Vmcore } from '../../lib/index.ts';
import { setBits } from '../support/bits.ts';
import { labCore } from '../support/cores.ts';
import { absent, labDir, oracle, root } from '../support/oracles.ts';
import { documentOf, type Row, recordedOutcome, YES } from './document.ts';
import { type InputKind, inputKinds, qemuKinds } from './inputs.ts';
import { type OutputKind, outputKinds, writeOutput } from './outputs.ts';
import { type Expected, type Reader, readers } from './readers.ts';
import { reasonOf } from './reasons.ts';

t.setTimeout(900_000);

const document = join(root, 'docs/formats.md');
/** Cells to try and to write, by a regular expression of their row and column; all others stay as they are. */
const WRITTEN = process.env.VMCORE_WRITE_FORMATS;
/** Pages that are copied from an input: enough of all kinds. */
const COPIED = 500;
/** Pages that other programs read of a dump. */
const SAMPLED = 64;

/** Without other orders each row and each column is tried somewhere. */
function isTried(
  labels: readonly string[],
  row: number,
  columns: readonly string[],
  column: number,
): boolean {
  if (WRITTEN === undefined) return (row + column) % (columns.length - 1) === 0;
  return new RegExp(WRITTEN).test([...labels, columns[column]].join(' | '));
}

/** The first pages that there are. */
function firstPages(): SelectPages {
  let left = COPIED;
  return ({ count }) => {
    if (left === 0) return 'drop';
    const taken = Math.min(left, count);
    left -= taken;
    return { verdict: 'keep', count: taken };
  };
}

/** Whether a dump of an input holds what the input holds. */
async function roundTrip(core: Vmcore, kind: OutputKind, folder: string): Promise<string> {
  try {
    const { files, report } = await writeOutput(core, kind, folder, { level: 0, select: firstPages() });
    await using written = await openVmcore(files);
    const { same, compared } = await core.diff(written, { common: true });
    // Zeros have no data in an ELF core of a level with bit 0.
    const withoutData = report.unreadablePages + (kind.options.format === 'elf' ? report.zero : 0);
    const expected = report.written - withoutData;
    if (same === compared && expected > 0 && compared >= expected) return YES;
    return `differs: ${same} of ${compared} pages are the same, of ${expected}`;
  } catch (error) {
    return isVmcoreError(error) ? error.code : String(error);
  }
}

/** What the first columns of a row tell, then each cell: tried, or what the document says. */
async function outcomesOf(
  { labels, row, columns }: { labels: readonly string[]; row: number; columns: readonly string[] },
  recorded: string,
  attempt: (column: number) => Promise<string>,
): Promise<Row> {
  const outcomes: string[] = [];
  for (const column of columns.keys()) {
    const known = recordedOutcome(recorded, labels, columns, column) ?? 'was never tried';
    outcomes.push(isTried(labels, row, columns, column) ? await attempt(column) : known);
  }
  return { labels, outcomes };
}

const outputNames = outputKinds.map(({ name }) => name);

/** Where inputs are, and what is written of them. */
interface Folders {
  readonly inputs: string;
  readonly outputs: string;
}

async function inputRow(input: InputKind, row: number, recorded: string, folders: Folders): Promise<Row> {
  const sources = await input.sources(folders.inputs);
  const labels = [input.name, input.writer];
  return outcomesOf({ labels, row, columns: outputNames }, recorded, async (column) => {
    for (const source of sources) {
      await using core = await openVmcore(source);
      const outcome = await roundTrip(core, outputKinds[column]!, folders.outputs);
      if (outcome !== YES) return outcome;
    }
    return YES;
  });
}

async function readBy(reader: Reader, files: readonly string[], expected: Expected): Promise<string> {
  try {
    const compared = await reader.read(files, expected);
    return compared > 0 ? YES : 'found no page';
  } catch (error) {
    return `${reader.name} ${reasonOf(error)}`;
  }
}

/** A dump that other programs open, and what they have to find. */
interface Dump {
  readonly labels: readonly string[];
  readonly expected: Expected;
  files(): Promise<readonly string[]>;
}

/** Pages from all over memory; zeros may have been left out. */
async function expectedOf(memory: Vmcore, vmlinux: string): Promise<Expected> {
  const { bitmap } = await memory.classify({ level: 31 });
  const pages = [...setBits(bitmap.bytes)].filter((pfn) =>
    memory.readPhysical(pfn * 4096, 4096).some(Boolean),
  );
  const step = Math.floor(pages.length / SAMPLED);
  return { memory, vmlinux, pfns: pages.filter((_, i) => i % step === 0) };
}

async function readerRow(dump: Dump, row: number, recorded: string): Promise<Row> {
  const files = await dump.files();
  const columns = readers.map(({ name }) => name);
  return outcomesOf({ labels: dump.labels, row, columns }, recorded, (column) =>
    readBy(readers[column]!, files, dump.expected),
  );
}

t.test('docs/formats.md is true', async (t) => {
  if (!oracle(t, 'makedumpfile', 'crash', 'drgn', 'libkdumpfile')) return;
  if (!existsSync(join(labDir, 'qemu/zlib'))) return absent(t, "QEMU's dumps (test/vm/make-qemu-dumps.sh)");
  const real = await labCore(t, 'small');
  if (!real) return;
  if (!real.vmlinux) return t.fail('the core has no vmlinux beside it');
  const inputs = await mkdtemp(join(tmpdir(), 'vmcore-formats-'));
  const outputs = await mkdtemp(join(tmpdir(), 'vmcore-formats-'));
  t.teardown(() => Promise.all([inputs, outputs].map((folder) => rm(folder, { recursive: true }))));
  const recorded = existsSync(document) ? await readFile(document, 'utf8') : '';

  const inputRows: Row[] = [];
  for (const [row, input] of inputKinds.entries()) {
    inputRows.push(await inputRow(input, row, recorded, { inputs, outputs }));
  }

  const { vmlinux } = real;
  await using core = await openVmcore(real.path);
  await using guest = await openVmcore(join(labDir, 'qemu/elf'));
  await using mapped = await openVmcore(join(labDir, 'qemu/paging'));
  const ofCore = await expectedOf(core, vmlinux);
  const ofGuest = await expectedOf(guest, vmlinux);
  const ofMapped = await expectedOf(mapped, vmlinux);
  const dumps = [
    ...outputKinds.map(
      (kind): Dump => ({
        labels: [kind.form, 'vmcore'],
        expected: ofCore,
        files: async () => (await writeOutput(core, kind, outputs, { level: 31 })).files,
      }),
    ),
    ...qemuKinds.map(
      (kind): Dump => ({
        labels: [kind.name, kind.writer],
        expected: kind.name.includes('page tables') ? ofMapped : ofGuest,
        files: () => kind.files(inputs),
      }),
    ),
  ];
  const readerRows: Row[] = [];
  for (const [row, dump] of dumps.entries()) {
    readerRows.push(await readerRow(dump, row, recorded));
  }

  const found = documentOf(
    { heads: ['input', 'written by'], columns: outputNames, rows: inputRows },
    { heads: ['dump', 'written by'], columns: readers.map(({ name }) => name), rows: readerRows },
  );
  if (WRITTEN !== undefined) await writeFile(document, found);
  t.equal(found, await readFile(document, 'utf8'));
});
