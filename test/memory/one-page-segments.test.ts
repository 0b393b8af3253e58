// A core of a thousand PT_LOADs of one page each, in no order: reads of any range, in any order, are what pread gives.
// makedumpfile maps 4 MiB around an address, and reads beyond the mapping where the next page lies elsewhere.
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FileSource } from '../../lib/access/file-source.ts';
import { Slots } from '../../lib/access/slots.ts';
import { type AccessPolicy, openVmcore, type Vmcore } from '../../lib/index.ts';
import { buildElfCore } from '../support/elf-builder.ts';

t.setTimeout(300_000);

const PAGE = 4096;
const PAGES = 1000;
/** Behind the headers. Nothing in the file is aligned. */
const FIRST_OFFSET = 64 + 56 * PAGES + 20;
/** Neighbours in memory are 387 pages apart in the file; 387 and 1000 have no divisor in common. */
const offsetOf = (pfn: number): number => FIRST_OFFSET + ((pfn * 387) % PAGES) * PAGE;

const path = join(t.testdir(), 'core');
writeFileSync(
  path,
  buildElfCore({
    segments: Array.from({ length: PAGES }, (_, pfn) => ({
      paddr: pfn * PAGE,
      offset: offsetOf(pfn),
      data: Uint8Array.from({ length: PAGE }, (_, at) => (pfn * 31 + at * 7 + (at >> 8)) & 0xff),
    })),
  }),
);
const fd = openSync(path, 'r');
t.teardown(() => closeSync(fd));

/** The bytes of a range of memory, page by page with one pread each. */
function plainRead(paddr: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const at = paddr + done;
    const part = Math.min(length - done, PAGE - (at % PAGE));
    readSync(fd, bytes, done, part, offsetOf(Math.floor(at / PAGE)) + (at % PAGE));
    done += part;
  }
  return bytes;
}

interface Range {
  readonly start: number;
  readonly length: number;
}

/** Short reads of an integer, reads of some pages, and a few of a hundred. */
const range: fc.Arbitrary<Range> = fc
  .tuple(fc.nat(PAGES * PAGE - 1), fc.oneof(fc.nat(16), fc.nat(3 * PAGE), fc.nat(100 * PAGE)))
  .map(([start, length]) => ({ start, length: Math.min(length, PAGES * PAGE - start) }));
const accessPattern = fc.array(range, { minLength: 1, maxLength: 8 });

function requireSame(bytes: Uint8Array, expected: Uint8Array, { start, length }: Range): void {
  if (Buffer.compare(bytes, expected) !== 0) throw new Error(`${length} bytes at ${start} differ`);
}

const policies: readonly AccessPolicy[] = ['auto', 'mmap', 'read'];

for (const access of policies) {
  for (const [slots, regionBytes] of [
    [1, 1 << 16],
    [2, 1 << 17],
    [8, 1 << 22],
  ] as const) {
    t.test(`${access}, ${slots} slots of ${regionBytes >> 10} KiB: random reads`, async () => {
      await using core: Vmcore = await openVmcore(path, { access, slots, regionBytes });
      fc.assert(
        fc.property(accessPattern, (ranges) => {
          for (const own of ranges) {
            const expected = plainRead(own.start, own.length);
            requireSame(core.readPhysical(own.start, own.length), expected, own);
            core.withWindow(own.start, own.length, (bytes) => requireSame(bytes, expected, own));
          }
        }),
        { numRuns: 120 },
      );
    });
  }
}

t.test('slots of one page and little more, over the file as it is', async () => {
  const source = new FileSource(path);
  const options = fc.record({
    slots: fc.integer({ min: 1, max: 4 }),
    regionBytes: fc.constantFrom(PAGE, 4 * PAGE),
    readBytes: fc.constantFrom(512, PAGE),
    policy: fc.constantFrom(...policies),
  });
  fc.assert(
    fc.property(options, accessPattern, (own, ranges) => {
      const slots = new Slots(source, own);
      for (const { start, length } of ranges) {
        const bytes = new Uint8Array(length);
        const expected = Buffer.alloc(length);
        readSync(fd, expected, 0, length, start);
        slots.read(start, bytes);
        requireSame(bytes, expected, { start, length });
      }
      slots.release();
      if (source.counters().mapped !== 0) throw new Error('something stays mapped');
    }),
    { numRuns: 120 },
  );
  source.close();
});
