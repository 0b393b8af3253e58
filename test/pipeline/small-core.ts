// A core of 32 MiB with a kernel, whose pages all differ, so that a page in the wrong place is seen.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildKernelCore } from '../support/kernel-core.ts';
import { anon, free, type PageFields } from '../support/page-writer.ts';
import { PAGE } from '../support/physical-image.ts';

/** As kernel-core.ts makes it, at the end of memory. */
const IMAGE_BYTES = 2 << 20;

export interface SmallCore {
  readonly path: string;
  /** Physical memory from 0 on. */
  readonly memory: Uint8Array;
  /** Where in the file it begins. */
  readonly offset: number;
  /** Physical address of the kernel's image, up to the end: it is in the file twice, and read from its first place. */
  readonly image: number;
  /** The first page frame that is the kernel's: mem_section and page tables, then its mem_map and image. */
  readonly kernelPfn: number;
}

/** In every 32 pages, 8 are free and 4 belong to a program: level 31 leaves gaps everywhere. */
function pageFields(): Map<number, PageFields> {
  const pages = new Map<number, PageFields>();
  for (let pfn = 0; pfn < 2048; pfn += 32) {
    free(3).forEach((page, i) => void pages.set(pfn + i, page));
    for (let i = 16; i < 20; i++) pages.set(pfn + i, { mapping: anon, flags: ['swapbacked'] });
  }
  return pages;
}

export function writeSmallCore(folder: string, name = 'core'): SmallCore {
  const { elf, memory, freePages } = buildKernelCore({ pages: pageFields() });
  // Memory from 0 on is the last segment of the file.
  const contents = elf.subarray(elf.length - memory.bytes.length);
  for (let pfn = 0; pfn < freePages; pfn++) fillPage(contents.subarray(pfn * PAGE, (pfn + 1) * PAGE), pfn);
  const path = join(folder, name);
  writeFileSync(path, elf);
  const offset = elf.length - contents.length;
  return { path, memory: contents, offset, image: contents.length - IMAGE_BYTES, kernelPfn: freePages };
}

/** No byte is zero: what reads as zeros was not read. */
function fillPage(page: Uint8Array, pfn: number): void {
  page.fill(1 + (pfn % 255));
  for (let at = 0; at < PAGE; at += 256)
    new DataView(page.buffer, page.byteOffset).setUint32(at, pfn * PAGE + at + 1);
}
