// Damaged members of sets and flattened streams: a coded error or a dump, soon, and nothing else.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { isVmcoreError, openVmcore, reassemble, unflatten } from '../../lib/index.ts';
import { tinyCore } from './tiny-core.ts';

t.setTimeout(600_000);

const folder = t.testdir();
const at = (name: string) => join(folder, name);
const members = ['a', 'b'].map(at) as [string, string];

t.before(async () => {
  await using core = await openVmcore(tinyCore());
  await core.dump(members, { level: 1, compression: 'zlib', splitBlockBytes: 64 * 4096 });
  await core.dump(at('flat'), { level: 1, compression: 'zlib', flattened: true });
  await core.dump(at('flat.elf'), { level: 1, format: 'elf', flattened: true });
});

/** Values that fields of headers are likely to be wrong in, little-endian; and any bytes. */
const damage = fc.oneof(
  fc.constantFrom('00', 'ff', '7f', '80', '00000000', 'ffffffff', 'ffffff7f', '00000080', 'ffffffffffffff7f'),
  fc.constantFrom('ffffffffffffffff', '0000000000000080', '0000000000100000', '000000000000e03f'),
  fc.uint8Array({ minLength: 1, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex')),
);

/** Places in the headers rather than in the pages. */
function place(size: number) {
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 400, max: 470 }) },
    { weight: 3, arbitrary: fc.integer({ min: 4096, max: 4200 }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: Math.min(size, 20_000) }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: size - 1 }) },
  );
}

/** A copy with some damage, or cut off. */
function damaged(original: Buffer) {
  const changes = fc.array(fc.tuple(place(original.length), damage), { minLength: 1, maxLength: 3 });
  const length = fc.option(fc.integer({ min: 0, max: original.length }), { freq: 5 });
  return fc.tuple(changes, length).map(([all, end]) => {
    const bytes = Buffer.from(original);
    for (const [offset, hex] of all) bytes.write(hex, offset, 'hex');
    return bytes.subarray(0, end ?? undefined);
  });
}

/** True when it gave a result, or an error with a code; anything else is thrown. */
async function coded(work: Promise<unknown>): Promise<true> {
  try {
    await work;
  } catch (error) {
    if (!isVmcoreError(error)) throw error;
  }
  return true;
}

t.test('reassemble()', async (t) => {
  const original = readFileSync(members[0]);
  const property = fc.asyncProperty(damaged(original), (bytes) => {
    writeFileSync(at('damaged'), bytes);
    return coded(reassemble([at('damaged'), members[1]], at('output'), { dryRun: true, maxBytes: 2 ** 30 }));
  });
  await fc.assert(property, { numRuns: 2000 });
  t.pass();
});

for (const name of ['flat', 'flat.elf']) {
  t.test(`unflatten(), ${name}`, async (t) => {
    const original = readFileSync(at(name));
    const property = fc.asyncProperty(
      damaged(original),
      fc.integer({ min: 500, max: 99_999 }),
      (bytes, size) => {
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        return coded(unflatten(Readable.from(chunks), at('output'), { dryRun: true, acceptTruncated: true }));
      },
    );
    await fc.assert(property, { numRuns: 300 });
    t.pass();
  });
}
