// Other programs, opening a dump: each rejects when it does not, or reads other memory than it should.
import { rm } from 'node:fs/promises';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { crashSession } from '../support/crash.ts';
import { physicalBytes } from '../support/drgn.ts';
import { pages } from '../support/libkdumpfile.ts';
import { programs, run } from '../support/oracles.ts';

/** What a reader has to find in a dump. */
export interface Expected {
  /** The same memory, as the library reads it. */
  readonly memory: Vmcore;
  /** Pages that the dump has, ascending. */
  readonly pfns: readonly number[];
  readonly vmlinux: string;
}

export interface Reader {
  readonly name: string;
  /** @returns how many pages were compared. */
  read(files: readonly string[], expected: Expected): Promise<number>;
}

const PAGE = 4096;
/** What drgn reads of a page. */
const PAGE_START = 64;

function pageOf({ memory }: Expected, pfn: number): Buffer {
  return Buffer.from(memory.readPhysical(pfn * PAGE, PAGE));
}

/** @param length bytes of the page that the program has to have read. */
function requireSame(expected: Expected, pfn: number, bytes: Buffer | undefined, length = PAGE): void {
  if (bytes?.length !== length) throw new Error(`the page ${pfn} can't be read`);
  if (!pageOf(expected, pfn).subarray(0, length).equals(bytes))
    throw new Error(`the page ${pfn} is another one`);
}

/** Compares what a program wrote, whole. */
async function compareDump(file: string, { memory }: Expected): Promise<number> {
  await using written = await openVmcore(file);
  const { same, compared } = await memory.diff(written, { common: true });
  if (same !== compared) throw new Error(`${compared - same} of ${compared} pages are other ones`);
  return compared;
}

async function writtenBy(command: string, out: string, expected: Expected): Promise<number> {
  try {
    await run('sh', ['-c', command]);
    return await compareDump(out, expected);
  } finally {
    await rm(out, { force: true });
  }
}

function requireOne(files: readonly string[]): string {
  if (files.length > 1) throw new Error('takes one file');
  return files[0]!;
}

/** The words that crash's `rd` prints, as they lie in the memory of a little-endian machine. */
function bytesOfRd(text: string): Buffer {
  const words = Array.from(text.matchAll(/^ *[0-9a-f]+: +((?:[0-9a-f]{16} +)+)/gm), ([, line]) =>
    line!.trim().split(/ +/),
  ).flat();
  return Buffer.from(BigUint64Array.from(words, (word) => BigInt(`0x${word}`)).buffer);
}

export const readers: readonly Reader[] = [
  {
    name: 'makedumpfile',
    read(files, expected) {
      const out = `${files[0]}.out`;
      const options = files.length > 1 ? '--reassemble' : '-c -d 31';
      const command = `${programs.makedumpfile} --message-level 4 -f ${options} ${files.join(' ')} ${out}`;
      return writtenBy(command, out, expected);
    },
  },
  {
    name: 'makedumpfile -R',
    async read(files, expected) {
      const out = `${files[0]}.out`;
      const command = `${programs.makedumpfile} --message-level 4 -f -R ${out} < ${requireOne(files)}`;
      return writtenBy(command, out, expected);
    },
  },
  {
    name: 'crash',
    async read(files, expected) {
      const some = expected.pfns.filter((_, i) => i % 4 === 0);
      const commands = some.map((pfn) => `rd -p ${(pfn * PAGE).toString(16)} ${PAGE / 8}`);
      // It starts three times as fast so, and reads memory in the same way.
      const answers = await crashSession(expected.vmlinux, files, commands, ['--minimal']);
      some.forEach((pfn, i) => {
        requireSame(expected, pfn, bytesOfRd(answers[i]!));
      });
      return some.length;
    },
  },
  {
    name: 'drgn',
    async read(files, expected) {
      const addresses = expected.pfns.map((pfn) => pfn * PAGE);
      const found = await physicalBytes(requireOne(files), addresses);
      expected.pfns.forEach((pfn, i) => {
        requireSame(expected, pfn, found[i], PAGE_START);
      });
      return found.length;
    },
  },
  {
    name: 'libkdumpfile',
    async read(files, expected) {
      let compared = 0;
      for await (const [pfn, page] of pages(files, expected.pfns)) {
        requireSame(expected, pfn, page);
        compared++;
      }
      return compared;
    },
  },
];
