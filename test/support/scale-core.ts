// A machine of any size after a crash, as a sparse file: its page tables map the whole of vmemmap onto few struct pages.
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { buildElfCore } from './elf-builder.ts';
import { describeMachine, imageBytes, newMachine } from './kernel-core.ts';
import { generations } from './page-generations.ts';
import { labShares, type MixClass, mixClasses, PageMix } from './page-mix.ts';
import { PAGE } from './physical-image.ts';

export interface ScaleCoreOptions {
  /** Bytes of memory, a multiple of 128 MiB. */
  readonly memory: number;
  /** Bytes of different struct pages, a multiple of 2 MiB; default 1 GiB, which no cache holds. */
  readonly distinct?: number;
  /** The part of the pages that dump level 31 keeps. Default 1 / 64: what a large machine's struct pages take alone. */
  readonly kept?: number;
}

/** What a dump tool has to find in it. */
export interface ScaleCore {
  /** Page frames. */
  readonly pages: number;
  /** By what becomes of them at level 31. */
  readonly counts: Readonly<Record<MixClass, number>>;
  /** Bytes of struct pages, and of different ones. */
  readonly memMap: number;
  readonly distinct: number;
  /** Bytes of the file, from its beginning on, that are not all zeros. */
  readonly written: number;
}

const generation = generations['6.2'];
/** A section's struct pages are a large page of vmemmap: 2^27 / 4096 of 64 bytes. */
const sectionBytes = 2 ** 27;
const sectionMap = 2 ** 21;
/** The kernel, its page tables and its sections are in so much of the beginning of memory. */
const kernelBytes = 2 ** 24;
/** Where memory begins in the file: behind headers, notes and the copy of the kernel's image. */
const memoryOffset = 2 ** 22;
const gib = 2 ** 30;

/** Writes the core to a new file, which takes up little more than its struct pages. */
export function writeScaleCore(path: string, options: ScaleCoreOptions): ScaleCore {
  const { memory, kept = 1 / 64 } = options;
  const sections = memory / sectionBytes;
  const distinct = Math.min(sections, (options.distinct ?? gib) / sectionMap);
  if (
    !Number.isInteger(sections) ||
    !Number.isInteger(distinct) ||
    kernelBytes + distinct * sectionMap > memory
  )
    throw new Error('memory is in sections of 128 MiB, and has room for its struct pages');
  const fd = openSync(path, 'wx');
  try {
    const header = buildHeader(memory, sections, distinct);
    writeSync(fd, header, 0, header.length, 0);
    ftruncateSync(fd, memoryOffset + memory);
    const counts = writeStructPages(fd, new PageMix(generation, labShares(kept)), sections, distinct);
    const different = distinct * sectionMap;
    const written = memoryOffset + kernelBytes + different;
    return { pages: memory / PAGE, counts, memMap: sections * sectionMap, distinct: different, written };
  } finally {
    closeSync(fd);
  }
}

/** The core up to the end of what its kernel keeps of itself. */
function buildHeader(memory: number, sections: number, distinct: number): Buffer {
  const machine = newMachine({ generation, memoryPages: memory / PAGE, imagePages: kernelBytes / PAGE });
  for (let section = 0; section < sections; section++) {
    const vaddr = machine.vmemmap + BigInt(section) * BigInt(sectionMap);
    machine.tables.map(vaddr, kernelBytes + (section % distinct) * sectionMap, '2M');
  }
  const { notes } = describeMachine(machine);
  const { image, imageVaddr, directMap } = machine;
  const { bytes } = machine.memory;
  return buildElfCore({
    notes: [notes],
    segments: [
      { vaddr: imageVaddr, paddr: image, data: bytes.subarray(image, image + imageBytes) },
      { vaddr: directMap, paddr: 0, data: bytes, offset: memoryOffset, fileSize: memory, memSize: memory },
    ],
  });
}

/** Returns how many pages there are of each class, by what their struct pages say wherever vmemmap has them. */
function writeStructPages(fd: number, mix: PageMix, sections: number, distinct: number): ScaleCore['counts'] {
  const words = new Int32Array(sectionMap / 4);
  const counts: Record<MixClass, number> = { cache: 0, cachePrivate: 0, user: 0, free: 0, kept: 0 };
  for (let i = 0; i < distinct; i++) {
    const before = { ...mix.made };
    mix.fill(words);
    writeSync(fd, words, 0, words.byteLength, memoryOffset + kernelBytes + i * sectionMap);
    const aliases = Math.floor((sections - 1 - i) / distinct) + 1;
    for (const name of mixClasses) counts[name] += (mix.made[name] - before[name]) * aliases;
  }
  return counts;
}
