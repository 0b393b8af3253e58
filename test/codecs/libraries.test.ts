// LZO and snappy are written here from their descriptions: the C libraries read what they store, and they what those do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { codec } from '../../lib/codecs/registry.ts';
import { absent, python, root } from '../support/oracles.ts';

const program = `${root}test/codecs/oracle.py`;
const libraries = { lzo: 'liblzo2.so.2', snappy: 'libsnappy.so.1' } as const;
type Name = keyof typeof libraries;
const names = Object.keys(libraries) as Name[];

function library(t: Test, name: Name): boolean {
  const load = `import ctypes; ctypes.CDLL('${libraries[name]}')`;
  return spawnSync(python, ['-c', load]).status === 0 || absent(t, libraries[name]);
}

function ask(name: Name, what: 'compress' | 'decompress', pageSize: number, inputs: Uint8Array[]): Buffer[] {
  const parts = inputs.flatMap((bytes) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  const { stdout, stderr, status } = spawnSync(python, [program, name, what, String(pageSize)], {
    input: Buffer.concat(parts),
    maxBuffer: 1 << 30,
  });
  if (status !== 0) throw new Error(stderr.toString());
  const outputs: Buffer[] = [];
  for (let at = 0; at < stdout.length; ) {
    const length = stdout.readUInt32LE(at);
    outputs.push(stdout.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return outputs;
}

function noise(length: number, seed: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    createHash('sha256').update(`${seed} ${i}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

/** Pages of each kind of copy and run: repetitions near and far, short and long, behind literals of any number. */
function pages(size: number): Buffer[] {
  const made: Buffer[] = [Buffer.alloc(size), Buffer.alloc(size, 'kernel '), Buffer.alloc(size, 1)];
  const lengths = [1, 2, 3, 4, 5, 17, 18, 19, 37, 100, 238, 239, 273, 274, 528, 529, 1000, 3000];
  for (const literals of lengths) {
    for (const repeated of [4, 8, 9, 10, 33, 34, 64, 65, 68, 263, 264, 600]) {
      const pieces = [noise(literals, literals), noise(literals, literals).subarray(0, repeated)];
      const one = Buffer.concat([...pieces, noise(2, repeated)]);
      made.push(Buffer.concat([one, Buffer.alloc(size, 0)]).subarray(0, size));
      made.push(Buffer.alloc(size, one));
    }
  }
  return made;
}

const random = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 700 })), {
  minLength: 1,
  maxLength: 60,
});

function randomPages(size: number): Buffer[] {
  return fc.sample(random, { numRuns: 300, seed: 4 }).map((runs) => {
    const pieces = runs.map(([kind, length]) =>
      kind === 0 ? Buffer.alloc(length, length) : noise(length, kind),
    );
    return Buffer.alloc(size, Buffer.concat(pieces));
  });
}

for (const name of names) {
  for (const size of [4096, 65536]) {
    t.test(`${name}, pages of ${size} bytes`, async (t) => {
      if (!library(t, name)) return;
      const ours = codec(name);
      const originals = [...pages(size), ...randomPages(size)];
      const stored = originals.map((page) => {
        const into = new Uint8Array(size);
        return into.subarray(0, ours.compress(page, into));
      });
      const smaller = originals.filter((_, i) => stored[i]!.length > 0);
      t.ok(smaller.length > originals.length / 2);
      const theirs = ask(
        name,
        'decompress',
        size,
        stored.filter(({ length }) => length > 0),
      );
      t.ok(
        theirs.every((page, i) => page.equals(smaller[i]!)),
        'the library reads what is stored here',
      );
      const into = new Uint8Array(size);
      const wrong = ask(name, 'compress', size, originals).filter((bytes, i) => {
        ours.decompress(bytes, into);
        return !originals[i]!.equals(into);
      });
      t.equal(wrong.length, 0, 'what the library stores is read here');
    });
  }

  t.test(`${name}: damaged pages`, async (t) => {
    const ours = codec(name);
    const page = Buffer.concat([
      noise(900, 1),
      Buffer.alloc(2000, 'struct page'),
      noise(900, 1),
      Buffer.alloc(296),
    ]);
    const into = new Uint8Array(page.length);
    const good = into.slice(0, ours.compress(page, into));
    const memory = new Uint8Array(3 * page.length);
    const target = memory.subarray(page.length, 2 * page.length);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        fc.nat(good.length),
        (changes, length) => {
          const bad = good.slice(0, length);
          for (const [at, byte] of changes) if (at < length) bad[at] = byte;
          try {
            ours.decompress(bad, target);
          } catch (error) {
            if ((error as { code?: string }).code !== 'ERR_VMCORE_CORRUPT') throw error;
          }
          return memory.subarray(0, page.length).every((byte) => byte === 0);
        },
      ),
      { numRuns: 2000 },
    );
    t.ok(
      memory.subarray(2 * page.length).every((byte) => byte === 0),
      'nothing is written beside the page',
    );
  });
}
