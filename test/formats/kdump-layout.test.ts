import t from 'tap';
import {
  encodeDescriptor,
  encodeHeader,
  encodeSubHeader,
  kdumpLayout,
} from '../../lib/formats/kdump-layout.ts';

// Expected bytes by offset: struct disk_dump_header and kdump_sub_header of a 64-bit machine, as compiled.

const utsname = new Uint8Array(390).fill(0x77);
const header = {
  utsname,
  crashTime: 0x1_2345_6789,
  status: 0x28,
  blockSize: 4096,
  subHeaderBlocks: 3,
  bitmapBlocks: 18,
  maxMapnr: 0x234567,
  nrCpus: 5,
};

t.test('the header in either byte order', async (t) => {
  const little = Buffer.from(encodeHeader(header, true));
  const big = Buffer.from(encodeHeader(header, false));
  t.equal(little.length, 464);
  for (const bytes of [little, big]) {
    t.equal(bytes.toString('latin1', 0, 8), 'KDUMP   ');
    t.equal(bytes.indexOf(0x77), 12);
    t.equal(bytes.lastIndexOf(0x77), 401);
  }
  t.equal(little.toString('hex', 8, 12), '06000000');
  t.equal(little.toString('hex', 402, 408), '000000000000');
  t.equal(little.toString('hex', 408, 424), '89674523010000000000000000000000');
  t.equal(little.toString('hex', 424, 444), '2800000000100000030000001200000067452300');
  t.equal(little.toString('hex', 444, 464), '0000000000000000000000000000000005000000');
  t.equal(big.toString('hex', 8, 12), '00000006');
  t.equal(big.toString('hex', 408, 424), '00000001234567890000000000000000');
  t.equal(big.toString('hex', 424, 444), '0000002800001000000000030000001200234567');
  t.equal(big.toString('hex', 444, 464), '0000000000000000000000000000000000000005');
});

t.test('more page frames than the header can count', async (t) => {
  const bytes = Buffer.from(encodeHeader({ ...header, maxMapnr: 0x1_0000_0000 }, true));
  t.equal(bytes.readUInt32LE(440), 0xffffffff);
});

t.test('the sub header in either byte order', async (t) => {
  const subHeader = {
    physBase: -0x200000n,
    dumpLevel: 31,
    maxMapnr: 0x1_0000_0002,
    notes: { offset: 4200, size: 712 },
    vmcoreinfo: { offset: 4300, size: 99 },
  };
  const little = Buffer.from(encodeSubHeader(subHeader, true));
  const big = Buffer.from(encodeSubHeader(subHeader, false));
  t.equal(little.length, 104);
  t.equal(little.readBigInt64LE(0), -0x200000n);
  t.equal(big.readBigInt64BE(0), -0x200000n);
  t.equal(little.toString('hex', 8, 32), `1f${'00'.repeat(23)}`, 'level; not split, no range of pfns');
  t.equal(big.toString('hex', 8, 32), `0000001f${'00'.repeat(20)}`);
  const words = (read: (at: number) => bigint) => Array.from({ length: 9 }, (_, i) => read(32 + 8 * i));
  const expected = [4300n, 99n, 4200n, 712n, 0n, 0n, 0n, 0n, 0x1_0000_0002n];
  t.strictSame(
    words((at) => little.readBigInt64LE(at)),
    expected,
  );
  t.strictSame(
    words((at) => big.readBigInt64BE(at)),
    expected,
  );
});

t.test('descriptors beyond 4 GiB, in either byte order', async (t) => {
  const bytes = Buffer.alloc(48);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  encodeDescriptor(view, 24, 0x12_fedc_ba98, 4096, 0x20, true);
  t.equal(bytes.toString('hex'), `${'00'.repeat(24)}98badcfe12000000001000002000000000000000000000${'00'}`);
  encodeDescriptor(view, 0, 0x12_fedc_ba98, 4096, 0x20, false);
  t.equal(bytes.toString('hex', 0, 24), '00000012fedcba9800001000000000200000000000000000');
});

t.test('where the parts lie', async (t) => {
  t.strictSame(kdumpLayout(4096, 712, 0x234567), {
    subHeaderBlocks: 1,
    bitmapBlocks: 142,
    notesOffset: 4200,
    bitmap1Offset: 8192,
    bitmap2Offset: 8192 + 71 * 4096,
    descriptorsOffset: 8192 + 142 * 4096,
  });
  t.match(kdumpLayout(4096, 4096 - 104, 1), { subHeaderBlocks: 1, bitmapBlocks: 2 }, 'a full block of notes');
  t.match(kdumpLayout(4096, 4096 - 103, 8 * 4096), {
    subHeaderBlocks: 2,
    bitmapBlocks: 2,
    bitmap1Offset: 12288,
  });
  t.match(kdumpLayout(65536, 0, 8 * 65536 + 1), { subHeaderBlocks: 1, bitmapBlocks: 4 });
});
