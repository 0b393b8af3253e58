import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { DumpReport } from '../../lib/index.ts';
import type { OutputFolder } from '../support/files.ts';

/** Bytes of struct page: those of the lab's cores, and of every x86_64 and s390x kernel of Debian. */
const STRUCT_PAGE = 64;
const PAGE = 4096;
const CHUNK = 1 << 20;

/** What is known of a dump when it is done. */
export type DumpSize = Pick<DumpReport, 'original' | 'written' | 'bytes'>;

/** Seconds to read as many bytes of a core as its struct pages have: what deciding which pages are kept can't undercut. */
export function judgingLimit(core: string, { original }: DumpSize): number {
  return secondsOf(() => readBytes(core, original * STRUCT_PAGE, () => {}));
}

/** Seconds to read as many bytes of a core as are kept, and to write as many as the dump has: what copying can't undercut. */
export function copyingLimit(core: string, { written, bytes }: DumpSize, folder: OutputFolder): number {
  const path = folder.file('limit');
  const output = openSync(path, 'w');
  let left = bytes;
  const seconds = secondsOf(() =>
    readBytes(core, written * PAGE, (chunk) => {
      left -= writeSync(output, chunk, 0, Math.min(chunk.length, left));
    }),
  );
  closeSync(output);
  rmSync(path);
  return seconds;
}

/** Reads the beginning of a file into the same memory over and over. */
function readBytes(path: string, bytes: number, use: (chunk: Uint8Array) => void): void {
  const buffer = Buffer.alloc(CHUNK);
  const fd = openSync(path, 'r');
  try {
    for (let at = 0; at < bytes; ) {
      const count = readSync(fd, buffer, 0, Math.min(CHUNK, bytes - at), at);
      if (count === 0) break;
      use(buffer.subarray(0, count));
      at += count;
    }
  } finally {
    closeSync(fd);
  }
}

function secondsOf(work: () => void): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}
