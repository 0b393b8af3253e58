import t from 'tap';
import { openVmcore } from '../../lib/index.ts';
import { notePayload, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildS390Dump } from '../support/memory-dumps.ts';

const PAGE = 4096;
/** lowcore.vmcore_info (arch/s390/include/asm/lowcore.h). */
const VMCORE_INFO = 0xe0c;

function memory(): Buffer {
  const bytes = Buffer.from(pattern(16 * PAGE));
  bytes.writeBigUInt64BE(BigInt(5 * PAGE), VMCORE_INFO);
  const text = 'OSRELEASE=6.1.0-s390x\nPAGESIZE=4096\n';
  bytes.set(notePayload([vmcoreinfoNote(text)], false), 5 * PAGE);
  return bytes;
}

t.test('all memory from 0 on, with the VMCOREINFO that the lowcore points to', async (t) => {
  const bytes = memory();
  await using core = await openVmcore(buildS390Dump({ memory: bytes }));
  t.match(core, { format: 's390-dump', arch: 's390x', littleEndian: false, memoryBytes: 16 * PAGE });
  t.equal(core.vmcoreinfo.osrelease, '6.1.0-s390x');
  t.ok(bytes.equals(core.readPhysical(0, 16 * PAGE)));
  t.throws(() => core.readPhysical(16 * PAGE, 1), { code: 'ERR_VMCORE_NOT_PRESENT' });
});

t.test('a lowcore that points to none', async (t) => {
  for (const noteAt of [0, 16 * PAGE - 1, 16 * PAGE, 2 ** 50, 3 * PAGE + 1]) {
    const bytes = memory();
    bytes.writeBigUInt64BE(BigInt(noteAt), VMCORE_INFO);
    await using core = await openVmcore(buildS390Dump({ memory: bytes }));
    t.equal(core.hasVmcoreinfo, false, `at ${noteAt}`);
  }
});

t.test('cut off', async (t) => {
  const cut = { code: 'ERR_VMCORE_TRUNCATED' };
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), hasEnd: false })), cut);
  const file = buildS390Dump({ memory: memory() });
  for (const length of [64, 4096, 5000, file.length - 1])
    await t.rejects(openVmcore(file.subarray(0, length)), cut);
  const marked = Buffer.from(file);
  marked.write('NOT_DUMP', file.length - 8);
  await t.rejects(openVmcore(marked), { ...cut, message: /no end marker/ });
  await using core = await openVmcore(file.subarray(0, 4096 + 7 * PAGE), { allowTruncated: true });
  t.equal(core.memoryBytes, 7 * PAGE);
  t.equal(core.vmcoreinfo.osrelease, '6.1.0-s390x');
});

t.test('headers that can not be', async (t) => {
  const corrupt = { code: 'ERR_VMCORE_CORRUPT' };
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), headerSize: 0 })), corrupt);
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), pageSize: 0 })), corrupt);
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), memorySize: 0n })), corrupt);
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), memorySize: 2n ** 64n - 1n })), corrupt);
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), memorySize: 2n ** 50n })), {
    code: 'ERR_VMCORE_TRUNCATED',
  });
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), headerSize: 0xffffffff })), {
    code: 'ERR_VMCORE_TRUNCATED',
  });
  await t.rejects(openVmcore(buildS390Dump({ memory: memory(), volume: 2 })), {
    code: 'ERR_VMCORE_FORMAT',
    message: /volume 2/,
  });
});
