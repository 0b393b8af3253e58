// docs/formats.md is what this finds out. `npm run formats` writes it anew.

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { isVmcoreError, openVmcore, type SelectPages, type Vmcore } from '../../lib/index.ts';
import { labCore } from '../support/cores.ts';
import { absent, labDir, oracle, root } from '../support/oracles.ts';
import { type InputKind, inputKinds } from './inputs.ts';
import { type OutputKind, outputKinds, writeOutput } from './outputs.ts';
import { readers } from './readers.ts';

t.setTimeout(900_000);

const document = join(root, 'docs/formats.md');
/** Pages that are copied from an input: enough of all kinds. */
const COPIED = 500;

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
    const { equal, compared } = await core.diff(written, { common: true });
    // Zeros have no data in an ELF core of a level with bit 0.
    const withoutData = report.unreadablePages + (kind.options.format === 'elf' ? report.zero : 0);
    const expected = report.written - withoutData;
    return equal && expected > 0 && compared >= expected ? 'yes' : `differs (${compared} of ${expected})`;
  } catch (error) {
    return isVmcoreError(error) ? error.code : String(error);
  }
}

async function rowOf(input: InputKind, inputs: string, outputs: string): Promise<string[]> {
  const outcomes = outputKinds.map(() => 'yes');
  for (const source of await input.sources(inputs)) {
    const core = await openVmcore(source);
    for (const [i, kind] of outputKinds.entries()) {
      if (outcomes[i] === 'yes') outcomes[i] = await roundTrip(core, kind, outputs);
    }
    await core.close();
  }
  return [input.name, input.writer, ...outcomes];
}

/** What other programs make of each output of a real core. */
async function readerRows(core: Vmcore, vmlinux: string, folder: string): Promise<string[][]> {
  const rows: string[][] = [];
  for (const kind of outputKinds) {
    const { files } = await writeOutput(core, kind, folder, { level: 31 });
    const cells: string[] = [];
    for (const read of Object.values(readers)) {
      cells.push(
        await read(files, vmlinux).then(
          () => 'yes',
          () => 'no',
        ),
      );
    }
    rows.push([kind.name, ...cells]);
  }
  return rows;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return `${line(heads)}|${'---|'.repeat(heads.length)}\n${rows.map(line).join('')}`;
}

function documentOf(inputs: string[][], read: string[][]): string {
  return `# What opens what

Written by \`npm run formats\` from what it finds out with real cores; the tests fail when it is not true any more.

## What vmcore opens, and writes of it

Each input was opened by its content and written in each form; what was written was opened again, and every page of it is
the input's (\`vmcore diff --common\`). \`raw\` to \`split\` are kdump-compressed.

${table(['input', 'written by', ...outputKinds.map(({ name }) => name)], inputs)}
Of a split set all members are opened together, in any order. Of a dump that was cut off what is there is copied; the rest is
ERR_VMCORE_NOT_PRESENT, or zeros where asked for.

## What opens what vmcore writes

Dumps of level 31 of a Linux 6.1 for x86_64, in Debian's makedumpfile, crash, drgn and libkdumpfile. \`makedumpfile\` made another
dump of it (of a split set one file), \`makedumpfile -R\` unflattened it, crash showed the log, drgn and libkdumpfile read memory.

${table(['output', ...Object.keys(readers)], read)}`;
}

t.test('docs/formats.md is true', async (t) => {
  if (!oracle(t, 'makedumpfile', 'crash', 'drgn', 'libkdumpfile')) return;
  if (!existsSync(join(labDir, 'qemu/zlib'))) return absent(t, "QEMU's dumps (test/vm/make-qemu-dumps.sh)");
  const real = await labCore(t, 'small');
  if (!real?.vmlinux) return t.fail('the core has no vmlinux beside it');
  const made = await mkdtemp(join(tmpdir(), 'vmcore-formats-'));
  const folder = await mkdtemp(join(tmpdir(), 'vmcore-formats-'));
  t.teardown(() => Promise.all([made, folder].map((path) => rm(path, { recursive: true }))));
  const inputs: string[][] = [];
  for (const input of inputKinds) {
    inputs.push(await rowOf(input, made, folder));
    t.comment(inputs.at(-1)!.join(' | '));
  }
  await using core = await openVmcore(real.path);
  const found = documentOf(inputs, await readerRows(core, real.vmlinux, folder));
  if (process.env.VMCORE_WRITE_FORMATS) await writeFile(document, found);
  t.equal(found, await readFile(document, 'utf8'));
});
