import { createWriteStream, fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { UsageError } from './args.ts';

const STDOUT = 1;

/**
 * Standard output for a dump. Unlike process.stdout it does not hold up the process while its reader is slow, so that a
 * signal can still end it.
 */
export function stdoutStream(): Writable {
  if (isatty(STDOUT)) throw new UsageError('standard output is a terminal: redirect the dump, or pipe it');
  const stat = fstatSync(STDOUT);
  if (stat.isFIFO() || stat.isSocket()) return new Socket({ fd: STDOUT, readable: false, writable: true });
  return createWriteStream('', { fd: STDOUT });
}
