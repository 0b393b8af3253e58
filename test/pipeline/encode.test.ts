import fc from 'fast-check';
import t from 'tap';
import { codec } from '../../lib/codecs/registry.ts';
import type { PageBatch } from '../../lib/output/page-batch.ts';
import { MISSING_PAGE, ZERO_PAGE } from '../../lib/output/page-batch.ts';
import { PageEncoder } from '../../lib/pipeline/encode.ts';
import { ZeroPageTest } from '../../lib/pipeline/zero-page.ts';
import { noise } from '../output/memory.ts';

const PAGE = 4096;

/** Pages by letter: zeros, noise, text. */
function memory(kinds: string): Buffer {
  const pages = Array.from(kinds, (kind, i) => {
    if (kind === 'z') return Buffer.alloc(PAGE);
    return kind === 'n' ? noise(i) : Buffer.alloc(PAGE, `text ${i} `);
  });
  return Buffer.concat(pages);
}

function summary({ count, sizes, flags, data }: PageBatch): string {
  const pages = Array.from({ length: count }, (_, i) => `${flags[i]!.toString(16)}:${sizes[i]}`);
  return `${pages.join(' ')} = ${data.length}`;
}

t.test('raw pages', async (t) => {
  const encoder = new PageEncoder({ pageSize: PAGE, shareZeroPages: false });
  const bytes = memory('znt');
  t.equal(encoder.encode(bytes), 3);
  t.equal(encoder.count, 3);
  const batch = encoder.take();
  t.equal(summary(batch), '0:4096 0:4096 0:4096 = 12288');
  t.ok(bytes.equals(batch.data));
  t.equal(batch.zeroPages, 0, 'nobody asked for them');
  t.equal(encoder.take().count, 0);
});

t.test('zero pages share one', async (t) => {
  const encoder = new PageEncoder({ pageSize: PAGE, shareZeroPages: true });
  encoder.encode(memory('zntz'));
  const batch = encoder.take();
  t.equal(summary(batch), 'ffffffff:0 0:4096 0:4096 ffffffff:0 = 8192');
  t.equal(batch.zeroPages, 2);
  t.equal(encoder.take().zeroPages, 0);
});

t.test('compressed pages; those that do not get smaller are raw', async (t) => {
  const encoder = new PageEncoder({ pageSize: PAGE, codec: codec('zlib'), shareZeroPages: true });
  const bytes = memory('zntn');
  encoder.encode(bytes);
  const { flags, sizes, data } = encoder.take();
  t.strictSame([...flags.subarray(0, 4)], [ZERO_PAGE, 0, 1, 0]);
  const page = new Uint8Array(PAGE);
  t.ok(bytes.subarray(PAGE, 2 * PAGE).equals(data.subarray(0, PAGE)));
  codec('zlib').decompress(data.subarray(PAGE, PAGE + sizes[2]!), page);
  t.ok(bytes.subarray(2 * PAGE, 3 * PAGE).equals(page));
  t.ok(bytes.subarray(3 * PAGE).equals(data.subarray(PAGE + sizes[2]!)));
});

t.test('a full batch, and going on with the rest', async (t) => {
  const bytes = memory('ntznt');
  for (const pageCodec of [undefined, codec('zlib')]) {
    const encoder = new PageEncoder({
      pageSize: PAGE,
      codec: pageCodec,
      shareZeroPages: true,
      batch: { bytes: PAGE * 2, pages: 100 },
    });
    const stored: Uint8Array[] = [];
    let pages = 0;
    for (let done = 0; done < 5; ) {
      done += encoder.encode(bytes.subarray(done * PAGE));
      const batch = encoder.take();
      t.ok(batch.count > 0, 'every batch has a page');
      pages += batch.count;
      stored.push(batch.data.slice());
      encoder.reuse(batch);
    }
    const whole = new PageEncoder({ pageSize: PAGE, codec: pageCodec, shareZeroPages: true });
    whole.encode(bytes);
    t.equal(pages, 5);
    t.strictSame(Buffer.concat(stored), Buffer.from(whole.take().data), 'batches do not change the bytes');
  }
});

t.test('many zero pages fill a batch too', async (t) => {
  const encoder = new PageEncoder({ pageSize: PAGE, shareZeroPages: true });
  const bytes = Buffer.alloc(PAGE * 1024);
  let pages = 0;
  while (!encoder.full) pages += encoder.encode(bytes);
  t.equal(pages, 16 * 1024);
  t.equal(encoder.take().count, 16 * 1024);
});

t.test('pages that could not be read', async (t) => {
  const encoder = new PageEncoder({ pageSize: PAGE, shareZeroPages: true });
  encoder.encode(memory('t'));
  encoder.addMissing();
  const { flags, sizes, count, missingPages } = encoder.take();
  t.equal(count, 2);
  t.equal(missingPages, 1);
  t.equal(flags[1], MISSING_PAGE);
  t.equal(sizes[1], 0);
});

t.test('buffers are used again, unless they went to another thread', async (t) => {
  const encoder = new PageEncoder({ pageSize: PAGE, shareZeroPages: true });
  const first = encoder.take();
  encoder.reuse(first);
  const second = encoder.take();
  const third = encoder.take();
  t.equal(third.data.buffer, first.data.buffer);
  structuredClone(second.data.buffer, { transfer: [second.data.buffer as ArrayBuffer] });
  encoder.reuse(second);
  t.equal(encoder.encode(memory('ttt')), 3);
  t.equal(encoder.take().data.length, 3 * PAGE);
});

t.test('the zero test finds every single bit, at any alignment', async () => {
  const test = new ZeroPageTest(PAGE);
  fc.assert(
    fc.property(fc.nat(PAGE - 1), fc.nat(7), fc.nat(9), (at, bit, shift) => {
      const bytes = new Uint8Array(PAGE + 20).fill(0xff);
      bytes.fill(0, shift, shift + PAGE);
      const before = test.isZero(bytes.subarray(shift, shift + PAGE));
      bytes[shift + at] = 1 << bit;
      return before && !test.isZero(bytes.subarray(shift, shift + PAGE));
    }),
  );
});
