// What this process holds of a file, as the kernel says.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Bytes of a file that are mapped. */
export function mappedBytes(path: string): number {
  const lines = readFileSync('/proc/self/maps', 'latin1').split('\n');
  return lines
    .filter((line) => line.endsWith(path))
    .map((line) => line.split(/[ -]/, 2).map((address) => Number.parseInt(address, 16)))
    .reduce((sum, [start, end]) => sum + end! - start!, 0);
}

/** Open descriptors of a file. */
export function descriptors(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // the one of readdir itself
    }
  }).length;
}

export function threads(): number {
  return readdirSync('/proc/self/task').length;
}
