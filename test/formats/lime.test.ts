import t from 'tap';
import { openVmcore, verifyDump } from '../../lib/index.ts';
import { pattern } from '../support/elf-builder.ts';
import { buildLime } from '../support/memory-dumps.ts';

const PAGE = 4096;
const low = { paddr: 0x1000, data: pattern(3 * PAGE, 1) };
const high = { paddr: 0x100000000, data: pattern(PAGE + 5, 2) };

t.test('ranges of memory, by their physical addresses', async (t) => {
  await using core = await openVmcore(buildLime([low, high]));
  t.match(core, { format: 'lime', littleEndian: true, memoryBytes: 4 * PAGE + 5, hasVmcoreinfo: false });
  t.same(core.readPhysical(0x1000, 3 * PAGE), low.data);
  t.same(core.readPhysical(0x100000000, PAGE + 5), high.data);
  t.throws(() => core.readPhysical(0x4000, 1), { code: 'ERR_VMCORE_NOT_PRESENT', address: 0x4000 });
  t.throws(() => core.readPhysical(0xfff, 2), { code: 'ERR_VMCORE_NOT_PRESENT', address: 0xfff });
});

t.test('where ranges overlap the first one counts', async (t) => {
  const over = { paddr: 0x2000, data: new Uint8Array(4 * PAGE).fill(7) };
  await using core = await openVmcore(buildLime([low, over]));
  t.same(core.readPhysical(0x1000, 3 * PAGE), low.data);
  t.same(core.readPhysical(0x5fff, 1), Uint8Array.of(7));
});

t.test('VMCOREINFO from outside tells the architecture', async (t) => {
  const vmcoreinfo = 'OSRELEASE=6.1.0\nPAGESIZE=4096\nNUMBER(phys_base)=0\n';
  await using core = await openVmcore(buildLime([low]), { vmcoreinfo });
  t.match(core, { arch: 'x86_64', vmcoreinfo: { osrelease: '6.1.0' } });
});

t.test('cut off', async (t) => {
  const file = buildLime([low, high]);
  for (const length of [40, 32 + 3 * PAGE + 10, file.length - 1]) {
    await t.rejects(
      openVmcore(file.subarray(0, length)),
      { code: 'ERR_VMCORE_TRUNCATED' },
      `${length} bytes`,
    );
  }
  await using core = await openVmcore(file.subarray(0, file.length - 5), { allowTruncated: true });
  t.equal(core.memoryBytes, 4 * PAGE);
  t.same(core.readPhysical(0x100000000, PAGE), high.data.subarray(0, PAGE));
  t.throws(() => core.readPhysical(0x100000000 + PAGE, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
});

t.test('cut off in the header of a range: those before it are there', async (t) => {
  const file = buildLime([low, high]);
  for (const length of [1, 31]) {
    const part = file.subarray(0, 32 + 3 * PAGE + length);
    await t.rejects(openVmcore(part), { code: 'ERR_VMCORE_TRUNCATED' });
    await using core = await openVmcore(part, { allowTruncated: true });
    t.match(core, { incomplete: true, memoryBytes: 3 * PAGE });
    t.same(core.readPhysical(0x1000, 3 * PAGE), low.data);
    t.match(await verifyDump(part), { state: 'incomplete', format: 'lime', pages: 3 });
  }
});

t.test('headers that can not be', async (t) => {
  const corrupt = { code: 'ERR_VMCORE_CORRUPT' };
  await t.rejects(openVmcore(buildLime([{ ...low, last: 0n }])), corrupt, 'it ends before it begins');
  await t.rejects(openVmcore(buildLime([{ ...low, last: 2n ** 64n - 1n }])), corrupt, 'beyond all memory');
  await t.rejects(openVmcore(buildLime([{ ...low, last: 2n ** 51n }])), { code: 'ERR_VMCORE_TRUNCATED' });
  await t.rejects(openVmcore(buildLime([{ ...low, paddr: 2n ** 63n }])), corrupt, 'beyond all memory');
  const other = buildLime([low]);
  other.writeUInt32LE(2, 4);
  await t.rejects(openVmcore(other), corrupt, 'version 2');
  await t.rejects(
    openVmcore(Buffer.concat([buildLime([low]), Buffer.alloc(64)])),
    corrupt,
    'zeros behind it',
  );
});
