import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { native } from '../../lib/access/native.ts';
import type { CodecImplementation, PageCodec } from '../../lib/codecs/codec.ts';
import { lzo } from '../../lib/codecs/lzo.ts';
import { codec, codecs, createCodec } from '../../lib/codecs/registry.ts';
import { snappy } from '../../lib/codecs/snappy.ts';
import { zlib } from '../../lib/codecs/zlib.ts';
import { addonZlib } from '../../lib/codecs/zlib-addon.ts';
import { nodeZlib } from '../../lib/codecs/zlib-node.ts';
import { zstdNapi } from '../../lib/codecs/zstd-napi.ts';
import { nodeZstd } from '../../lib/codecs/zstd-node.ts';
import { beyondEmulation } from '../support/emulation.ts';
import { absent } from '../support/oracles.ts';

const PAGE = 4096;

/** Every implementation that could be in use somewhere, not only the best one here. */
const implementations: [string, CodecImplementation][] = [
  ['zlib', addonZlib],
  ['zlib', nodeZlib],
  ['zstd', zstdNapi],
  ['zstd', nodeZstd],
  ['lzo', lzo.implementations[0]!],
  ['snappy', snappy.implementations[0]!],
];

/** Pages from all zeros to noise: runs of bytes, repeated to a page. */
const pages = fc
  .array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 700 })), { minLength: 1, maxLength: 4000 })
  .map((runs) => {
    const page = new Uint8Array(PAGE);
    let at = 0;
    for (let i = 0; at < PAGE; i++) {
      const [byte, length] = runs[i % runs.length]!;
      page.fill(byte, at, at + length);
      at += length;
    }
    return page;
  });

function noise(): Buffer {
  const blocks = Array.from({ length: PAGE / 32 }, (_, i) => createHash('sha256').update(`${i}`).digest());
  return Buffer.concat(blocks);
}

function stored(codec: PageCodec, page: Uint8Array): Uint8Array {
  const into = new Uint8Array(page.length);
  return into.subarray(0, codec.compress(page, into));
}

/** A stored page of many times its size: made with room for it, as an attacker would. */
function bomb(codec: PageCodec): Uint8Array {
  return stored(codec, new Uint8Array(8 * 1024 * 1024));
}

const corrupt = { name: 'VmcoreError', code: 'ERR_VMCORE_CORRUPT' };

for (const [name, implementation] of implementations) {
  t.test(`${name} by ${implementation.name}`, async (t) => {
    if (implementation === nodeZstd && !('zstdCompressSync' in (await import('node:zlib')))) {
      return t.plan(0, 'this Node has no zstd');
    }
    if (implementation === addonZlib && !native().zlibVersion) return t.plan(0, 'this Node exports no zlib');
    const { skip } = beyondEmulation('zstdNapi');
    if (implementation === zstdNapi && skip) return t.plan(0, skip);
    const { create, version } = implementation.load();
    t.match(version, implementation.name === 'vmcore' ? /^$/ : /^\d+\.\d+/);
    const pageCodec = create(1);

    t.test('pages come back', async () => {
      fc.assert(
        fc.property(pages, (page) => {
          const bytes = stored(pageCodec, page);
          const back = new Uint8Array(PAGE);
          if (bytes.length > 0) pageCodec.decompress(bytes, back);
          return bytes.length === 0 || Buffer.compare(back, page) === 0;
        }),
        { numRuns: 200 },
      );
    });

    t.test('the room behind the page does not change what is stored', async (t) => {
      const page = Buffer.alloc(PAGE, 'a page of the kernel ');
      const large = new Uint8Array(3 * PAGE);
      const size = pageCodec.compress(page, large.subarray(5, 5 + 2 * PAGE));
      t.strictSame(large.subarray(5, 5 + size), stored(pageCodec, page));
      t.ok(size > 0 && size < 250);
      t.ok(
        large.subarray(5 + 2 * PAGE).every((byte) => byte === 0),
        'nothing is written behind it',
      );
    });

    t.test('a page that does not get smaller', async (t) => {
      t.equal(pageCodec.compress(noise(), new Uint8Array(PAGE)), 0);
      t.equal(pageCodec.compress(noise(), new Uint8Array(2 * PAGE)), 0);
    });

    t.test('damaged pages', async (t) => {
      const page = Buffer.concat([noise().subarray(0, 1000), Buffer.alloc(PAGE - 1000)]);
      const bytes = stored(pageCodec, page);
      const into = new Uint8Array(PAGE);
      for (const length of [0, 1, 2, 8, 500, bytes.length - 1]) {
        t.throws(
          () => pageCodec.decompress(bytes.subarray(0, length), into),
          corrupt,
          `${length} bytes of it`,
        );
      }
      t.throws(() => pageCodec.decompress(noise(), into), corrupt, 'noise');
      t.throws(() => pageCodec.decompress(bytes, new Uint8Array(PAGE + 1)), corrupt, 'a page too short');
      t.throws(() => pageCodec.decompress(bytes, new Uint8Array(PAGE - 1)), corrupt, 'a page too long');
      pageCodec.decompress(bytes, into);
      t.ok(page.equals(into), 'the codec still works');
    });

    t.test('a decompression bomb ends at the page', async (t) => {
      const bytes = bomb(pageCodec);
      const memory = new Uint8Array(3 * PAGE);
      t.throws(() => pageCodec.decompress(bytes, memory.subarray(PAGE, 2 * PAGE)), corrupt);
      t.ok(
        memory.subarray(2 * PAGE).every((byte) => byte === 0),
        'nothing is written behind it',
      );
    });
  });
}

t.test('zlib stores the stream that every reader knows', async (t) => {
  const page = Buffer.alloc(PAGE, 'struct page');
  t.ok(deflateSync(page, { level: 1 }).equals(stored(codec('zlib'), page)));
  t.equal(codec('zlib').flag, 1);
});

t.test('zlib of the addon stores the bytes of node:zlib', async (t) => {
  if (!native().zlibVersion) return t.plan(0, 'this Node exports no zlib');
  for (const level of [1, 2, 3, 5, 6, 9]) {
    const [ours, theirs] = [addonZlib, nodeZlib].map((implementation) => implementation.load().create(level));
    fc.assert(
      fc.property(pages, (page) => Buffer.compare(stored(ours!, page), stored(theirs!, page)) === 0),
      { numRuns: 50, seed: level, examples: [[new Uint8Array(PAGE)], [Uint8Array.from(noise())]] },
    );
  }
});

t.test('levels', async (t) => {
  const page = Buffer.concat([
    noise().subarray(0, 900),
    noise().subarray(0, 900),
    Buffer.alloc(PAGE - 1800, 'ab'),
  ]);
  for (const level of [1, 6, 9]) {
    const back = new Uint8Array(PAGE);
    codec('zlib').decompress(stored(codec('zlib', { level }), page), back);
    t.ok(page.equals(back), `level ${level}`);
  }
  for (const level of [0, 10, 1.5, Number.NaN, -1]) {
    t.throws(() => codec('zlib', { level }), { code: 'ERR_VMCORE_ARGUMENT' }, `zlib level ${level}`);
  }
  t.throws(() => codec('zstd', { level: 23 }), { code: 'ERR_VMCORE_ARGUMENT' });
});

t.test('unknown names', async (t) => {
  for (const name of ['lz4', 'toString', '']) {
    t.throws(() => codec(name as 'zlib'), { code: 'ERR_VMCORE_ARGUMENT', message: /there are zlib, zstd/ });
  }
});

t.test('which zlib is in use', async (t) => {
  t.match(codecs().zlib, { available: true, implementation: /^(node:)?zlib 1\./ });
});

t.test('which zstd is in use', async (t) => {
  const { skip } = beyondEmulation('zstdNapi');
  if (!codecs().zstd.available) return skip ? t.plan(0, skip) : void absent(t, 'zstd');
  t.match(codecs().zstd, { available: true, implementation: /^(zstd-napi|node:zlib) 1\./ });
  t.equal(codec('zstd').flag, 0x20);
});

t.test('a codec that nothing implements here', async (t) => {
  const levels = { min: 1, max: 1, standard: 1 };
  const broken = (name: string): CodecImplementation => ({
    name,
    load: () => {
      throw new Error(`Cannot find module '${name}'\nRequire stack:\n- somewhere`);
    },
  });
  const kind = { levels, implementations: [broken('one'), broken('two')] };
  t.throws(() => createCodec('zstd', kind, {}), {
    code: 'ERR_VMCORE_CODEC',
    message: "no zstd in this process: one: Cannot find module 'one'; two: Cannot find module 'two'",
  });
  const fallback = { levels, implementations: [broken('one'), zlib.implementations[0]!] };
  t.equal(createCodec('zlib', fallback, {}).name, 'zlib', 'the next one is used');
});
