// Compressed dumps and makedumpfile's: all but what the compressor made of a page is the same.
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { codec } from '../../lib/codecs/registry.ts';
import { openVmcore } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore, type TestCore } from '../support/cores.ts';
import {
  type Codec,
  compressedBy,
  type KdumpFile,
  type PageDescriptor,
  readKdump,
} from '../support/kdump-file.ts';
import { makedumpfile } from '../support/makedumpfile.ts';
import { type OracleName, oracle, programs, s390xMakedumpfile } from '../support/oracles.ts';

t.setTimeout(600_000);

const PAGE = 4096;
/** Each core, with the makedumpfile of its machine: it can read no other byte order. */
const machines: readonly [TestCore, OracleName, [string, ...string[]]][] = [
  [await bundledCore(), 'makedumpfile', [programs.makedumpfile]],
  [await bundledS390xCore(), 's390x-makedumpfile', s390xMakedumpfile()],
];

/** Reads the pages of a dump whose descriptors are given. */
class Pages {
  readonly #fd: number;
  readonly #stored = Buffer.alloc(PAGE);
  readonly #codec: ReturnType<typeof codec>;

  constructor(path: string, name: Exclude<Codec, 'none'>) {
    this.#fd = openSync(path, 'r');
    this.#codec = codec(name);
  }

  read({ offset, size, flags }: PageDescriptor): Buffer {
    readSync(this.#fd, this.#stored, 0, size, offset);
    const page = Buffer.alloc(PAGE);
    if (flags === 0) this.#stored.copy(page);
    else this.#codec.decompress(this.#stored.subarray(0, size), page);
    return page;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What both headers and bitmaps say, without the size of anything compressed. */
function facts({ descriptor: _, ...dump }: KdumpFile) {
  return dump;
}

/** Where the first stored page lies: with bit 0 of the level the page of zeros. */
function firstOffset(dump: KdumpFile): number {
  let first = Number.POSITIVE_INFINITY;
  for (let i = 0; i < dump.descriptors; i++) first = Math.min(first, dump.descriptor(i).offset);
  return first;
}

async function compare(
  t: Test,
  path: string,
  program: readonly [string, ...string[]],
  name: 'zlib' | 'lzo',
  level: number,
): Promise<void> {
  await using core = await openVmcore(path);
  const [mine, other] = ['ours', 'theirs'].map((file) => join(t.testdir(), file)) as [string, string];
  const { dump: theirs } = await makedumpfile(core.file, other, level, name, program);
  await core.dump(mine, { level, compression: name });
  const ours = readKdump(mine);
  t.same(facts(ours), facts(theirs), 'headers and bitmaps');
  const [our, their] = [new Pages(mine, name), new Pages(other, name)];
  const [ourZeros, theirZeros] = [firstOffset(ours), firstOffset(theirs)];
  let [differ, otherFlags, shared] = [0, 0, 0];
  for (let i = 0; i < ours.descriptors; i++) {
    const [a, b] = [ours.descriptor(i), theirs.descriptor(i)];
    if (!our.read(a).equals(their.read(b))) differ++;
    if (a.flags !== b.flags) otherFlags++;
    if (a.flags !== 0 && a.flags !== compressedBy[name]) t.fail(`flags ${a.flags}`);
    if ((a.offset === ourZeros) !== (b.offset === theirZeros)) shared++;
  }
  for (const pages of [our, their]) pages.close();
  t.equal(differ, 0, 'every page is the same');
  t.equal(shared, 0, 'the same pages share the page of zeros');
  // Another encoder may just make, or just not make, a page smaller.
  t.ok(otherFlags < ours.descriptors / 1000, `${otherFlags} pages are stored raw by one of both`);
}

for (const [core, oracleName, program] of machines) {
  for (const name of ['zlib', 'lzo'] as const) {
    for (const level of [0, 31]) {
      t.test(`${core.name}: ${name}, level ${level}`, async (t) => {
        if (oracle(t, oracleName)) await compare(t, core.path, program, name, level);
      });
    }
  }
}
