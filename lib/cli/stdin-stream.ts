import { createReadStream, fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';

const STDIN = 0;

/** Standard input. process.stdin is empty where that is a disk, such as the one that kdump-utils saved a dump to. */
export function stdinStream(): Readable {
  return fstatSync(STDIN).isBlockDevice() ? createReadStream('', { fd: STDIN }) : process.stdin;
}
