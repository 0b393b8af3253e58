// ELF cores have no checksums: what can be known of them is whether all is there and in its place.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openVmcore, verifyDump } from '../../lib/index.ts';
import { tinyCore } from '../output/tiny-core.ts';

const folder = t.testdir();
let elf: Buffer;

t.before(async () => {
  await using core = await openVmcore(tinyCore());
  await core.dump(join(folder, 'elf'), { level: 1, format: 'elf' });
  elf = readFileSync(join(folder, 'elf'));
});

/** The core with some bytes changed. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(elf);
  change(bytes);
  return bytes;
}

/** File offset of a program header, by its number. */
const phdr = (index: number) => 64 + 56 * index;
const phnum = () => elf.readUInt16LE(56);
/** Where the notes end and the data begins. */
const dataOffset = () => Number(elf.readBigUInt64LE(phdr(0) + 8) + elf.readBigUInt64LE(phdr(0) + 32));

t.test('complete', async (t) => {
  t.match(await verifyDump(elf), { state: 'complete', format: 'elf64', problems: [] });
});

t.test('marked incomplete', async (t) => {
  const report = await verifyDump(changed((bytes) => bytes.writeUInt32LE(1, 48)));
  t.match(report, { state: 'incomplete', problems: [{ reason: 'it is marked incomplete' }] });
});

t.test('cut off', async (t) => {
  const wrong = [];
  for (let end = 0; end < elf.length; end += end < dataOffset() ? 1 : 977) {
    const { state } = await verifyDump(elf.subarray(0, end));
    if (state !== 'incomplete') wrong.push([end, state]);
  }
  t.strictSame(wrong, []);
});

t.test('headers that were not written to their end', async (t) => {
  const wrong = [];
  for (let from = 0; from < phdr(phnum()) - 8; from++) {
    const bytes = changed((copy) => copy.fill(0, from));
    // What lies at the end of the ELF header and of a program header nobody needs.
    if (bytes.subarray(from).equals(elf.subarray(from))) continue;
    const { state } = await verifyDump(bytes);
    if (state === 'complete' || (state === 'damaged' && from > 4)) wrong.push([from, state]);
  }
  t.strictSame(wrong, []);
});

t.test('program headers that were never written', async (t) => {
  const bytes = changed((copy) => copy.fill(0, phdr(1), phdr(phnum())));
  const report = await verifyDump(bytes);
  t.match(report, { state: 'incomplete', problems: [{ reason: /program headers were never written/ }] });
});

t.test('what contradicts itself', async (t) => {
  const last = phdr(phnum() - 1);
  const cases: [RegExp, (bytes: Buffer) => void][] = [
    [/claim \d+ bytes of the file/, (bytes) => bytes.writeBigUInt64LE(0n, last + 8)],
    [/neither PT_LOAD nor PT_NOTE/, (bytes) => bytes.writeUInt32LE(6, last)],
    [/no memory/, (bytes) => bytes.fill(0, last + 32, last + 48)],
    [/no note/, (bytes) => bytes.writeUInt32LE(0xffffff, Number(elf.readBigUInt64LE(phdr(0) + 8)))],
    [/program headers of 1 bytes/, (bytes) => bytes.writeUInt16LE(1, 54)],
  ];
  for (const [reason, change] of cases) {
    const report = await verifyDump(changed(change));
    t.match(report, { state: 'damaged', problems: [{ kind: 'damaged', reason }] }, `${reason}`);
  }
});
