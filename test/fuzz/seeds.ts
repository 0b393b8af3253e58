// What the parsers are given before it is damaged: files that this library wrote of a small memory, and built ones.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DumpOptions, openVmcore } from '../../lib/index.ts';
import { tinyCore } from '../output/tiny-core.ts';
import { buildElfCore, notePayload, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildKdump, type KdumpLayoutName } from '../support/kdump-builder.ts';
import { buildElf32, buildLime } from '../support/memory-dumps.ts';
import { buildS390Dump } from '../support/s390-dump-builder.ts';
import { buildVmlinux } from '../support/vmlinux-builder.ts';
import type { Seed } from './fuzz.ts';

const PAGE = 4096;
const codecNames = ['none', 'zlib', 'lzo', 'snappy', 'zstd'] as const;
const info = 'OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(init_top_pgt)=ffffffff82000000\nNUMBER(phys_base)=0\n';

/** A page that gets smaller in any codec. */
export function page(pfn: number): Uint8Array {
  const bytes = new Uint8Array(PAGE);
  bytes.set(pattern(PAGE / 4, pfn));
  return bytes;
}

export function elfSeeds(): Seed[] {
  const notes = [[vmcoreinfoNote(info), { name: 'CORE', type: 1, desc: pattern(336) }]];
  const segments = [
    { paddr: PAGE, vaddr: 0xffff888000001000n, data: Buffer.concat([1, 2, 3].map(page)), memSize: 8 * PAGE },
    { paddr: 2 * PAGE, vaddr: 0xffffffff81000000n, data: page(2) },
    { paddr: 2 ** 32, data: page(5) },
  ];
  const places = [[0, 400]] as const;
  return [
    { bytes: buildElfCore({ notes, segments }), places },
    { bytes: buildElfCore({ notes, segments, littleEndian: false, machine: 22 }), places },
    { bytes: buildElfCore({ notes, segments, extendedNumbering: true }), places },
    ...[true, false].map((littleEndian) => {
      const ranges = [1, 2, 3].map((pfn) => ({ paddr: 2 * pfn * PAGE, data: page(pfn) }));
      return { bytes: buildElf32(ranges, littleEndian), places: [[0, 200]] as const };
    }),
  ];
}

/** Headers, sub header, bitmaps, descriptors: the files below have a block of each. */
const kdumpPlaces = [
  [0, 470],
  [PAGE, PAGE + 120],
  [2 * PAGE, 2 * PAGE + 16],
  [3 * PAGE, 3 * PAGE + 16],
  [4 * PAGE, 4 * PAGE + 24 * 20],
] as const;

export function kdumpSeeds(split?: { startPfn: number; endPfn: number }): Seed[] {
  const pfns = Array.from({ length: 24 }, (_, i) => 3 + i);
  const pages = new Map(pfns.map((pfn) => [pfn, pfn % 4 === 0 ? null : page(pfn)]));
  const seeds: Seed[] = [];
  for (const layout of ['64', 'packed', 'padded'] as KdumpLayoutName[]) {
    for (const littleEndian of [true, false]) {
      const bytes = buildKdump({
        maxMapnr: 71,
        pages,
        layout,
        littleEndian,
        version: 6,
        dumpLevel: 1,
        notes: notePayload([vmcoreinfoNote(info)], littleEndian),
        compression: (pfn) => codecNames[pfn % 5]!,
        ...(split && { split }),
      });
      seeds.push({ bytes, places: kdumpPlaces });
    }
  }
  return seeds;
}

export function limeSeeds(): Seed[] {
  const ranges = [1, 2, 9].map((pfn) => ({ paddr: pfn * PAGE, data: page(pfn) }));
  const heads = ranges.map((_, i) => [i * (PAGE + 32), i * (PAGE + 32) + 32] as const);
  return [{ bytes: buildLime(ranges), places: heads }];
}

export function s390Seeds(): Seed[] {
  const memory = Buffer.concat([0, 1, 2, 3, 4].map(page));
  memory.writeBigUInt64BE(BigInt(3 * PAGE), 0xe0c);
  memory.set(notePayload([vmcoreinfoNote(info)], false), 3 * PAGE);
  const places = [
    [0, 100],
    [PAGE + 0xe0c, PAGE + 0xe14],
    [4 * PAGE, 4 * PAGE + 40],
  ] as const;
  const segments = [
    { start: 0, length: 2 * PAGE },
    { start: 3 * PAGE, length: 2 * PAGE, isCompressed: true },
  ];
  const inSegments = buildS390Dump({ memory, segments, entryBytes: PAGE });
  const heads = [1, 4, 5].map((pages) => [pages * PAGE, pages * PAGE + 70] as const);
  return [
    { bytes: buildS390Dump({ memory }), places },
    { bytes: inSegments, places: [[0, 110], ...heads] },
  ];
}

/** What this library writes of a small core. */
async function written(options: DumpOptions, ...names: string[]): Promise<Buffer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vmcore-fuzz-'));
  try {
    const paths = names.map((name) => join(folder, name));
    const core = await openVmcore(tinyCore());
    await core.dump(paths.length > 1 ? paths : paths[0]!, {
      level: 1,
      splitBlockBytes: 64 * PAGE,
      ...options,
    });
    await core.close();
    return await Promise.all(paths.map((path) => readFile(path)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function flattenedSeeds(): Promise<Seed[]> {
  const kinds: DumpOptions[] = [{ compression: 'zlib' }, { format: 'elf' }];
  const streams = await Promise.all(kinds.map((kind) => written({ ...kind, flattened: true }, 'flat')));
  return streams.map(([bytes]) => ({
    bytes: bytes!,
    places: [
      [0, 40],
      [PAGE, PAGE + 600],
      [bytes!.length - 600, bytes!.length],
    ],
  }));
}

/** One of each kind of file. */
export async function dumpSeeds(): Promise<Seed[]> {
  const kdumps = await Promise.all(
    (['zlib', 'lzo', 'snappy'] as const).map((compression) => written({ compression }, 'dump')),
  );
  const [elf] = await written({ format: 'elf' }, 'elf');
  return [
    ...kdumps.map(([bytes]) => ({ bytes: bytes!, places: [...kdumpPlaces, [0, bytes!.length] as const] })),
    { bytes: elf!, places: [[0, 600]] },
    ...(await flattenedSeeds()),
    ...kdumpSeeds().slice(2, 4),
    ...limeSeeds(),
    ...s390Seeds(),
  ];
}

/** Of each version and byte order, with names in each place. The debug information is behind the first sections. */
export function vmlinuxSeeds(): Seed[] {
  return ([2, 3, 4, 5] as const).flatMap((version) =>
    [true, false].flatMap((littleEndian) =>
      (['strp', 'strx', 'string'] as const).map((names) => {
        const isCompressed = names === 'strp' && version === 4;
        const bytes = buildVmlinux({ version, littleEndian, wide: version === 3, names, isCompressed });
        return {
          bytes,
          places: [
            [0, 64],
            [800, bytes.length - 900],
            [bytes.length - 900, bytes.length],
          ] as const,
        };
      }),
    ),
  );
}
