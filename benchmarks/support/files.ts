import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const RAM_DISK = '/dev/shm';
const CHUNK = 8 << 20;

/** A folder for outputs, on a RAM disk where there is one: a disk's speed is not what is measured. */
export class OutputFolder implements Disposable {
  readonly path: string;

  constructor(parent = existsSync(RAM_DISK) ? RAM_DISK : tmpdir()) {
    this.path = mkdtempSync(join(parent, 'vmcore-bench-'));
  }

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Reads a file once, or `bytes` of its beginning, so that it is in the page cache. */
export function warmFile(path: string, bytes = Number.POSITIVE_INFINITY): void {
  const buffer = Buffer.alloc(CHUNK);
  const fd = openSync(path, 'r');
  try {
    for (let done = 0, count = 1; done < bytes && count > 0; done += count)
      count = readSync(fd, buffer, 0, CHUNK, null);
  } finally {
    closeSync(fd);
  }
}
