// The pages of a dump that was written without compression.
import { closeSync, openSync, readSync } from 'node:fs';
import { setBits } from './bits.ts';
import { type PageDescriptor, readKdump } from './kdump-file.ts';

export interface RawDump {
  readonly isIncomplete: boolean;
  /** By pfn, ascending: its bytes, or undefined where the descriptor says that there are none. */
  readonly pages: Map<number, Buffer | undefined>;
}

export function readRawDump(path: string): RawDump {
  const dump = readKdump(path);
  const fd = openSync(path, 'r');
  try {
    const pfns = [...setBits(dump.bitmap2)];
    const pages = pfns.map((pfn, i) => [pfn, readPage(fd, dump.descriptor(i))] as const);
    return { isIncomplete: dump.isIncomplete, pages: new Map(pages) };
  } finally {
    closeSync(fd);
  }
}

function readPage(fd: number, { offset, size, flags }: PageDescriptor): Buffer | undefined {
  if (offset === 0) return undefined;
  if (flags !== 0) throw new Error(`flags ${flags}: the dump is compressed`);
  const page = Buffer.alloc(size);
  const read = readSync(fd, page, 0, size, offset);
  if (read !== size) throw new Error(`${read} of ${size} bytes of a page at ${offset}`);
  return page;
}
