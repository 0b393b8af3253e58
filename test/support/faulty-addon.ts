// System calls on a core that fail on purpose, in the place where the addon makes them.
import { native } from '../../lib/access/native.ts';
import type { NativeSource } from '../../types/native.d.ts';

/** One mmap, pread or preadv of a source. */
export interface CoreCall {
  /** How many of its kind came before it. */
  readonly index: number;
  readonly position: number;
  readonly length: number;
}

/** What becomes of a call: undefined lets it be. */
export interface Faults {
  /** The code of the error with which a map fails, such as ENOMEM. */
  readonly map?: (call: CoreCall) => string | undefined;
  /** The code of the error with which a pread fails, or the number of bytes after which it ends. */
  readonly pread?: (call: CoreCall) => string | number | undefined;
}

/** The calls that were made, failed ones included. */
export interface InjectedFaults extends Disposable {
  readonly maps: CoreCall[];
  readonly preads: CoreCall[];
}

/** Until it is disposed of, calls on sources that are opened meanwhile fail as told. */
export function injectFaults(faults: Faults): InjectedFaults {
  const addon = native();
  const { source } = addon;
  const maps: CoreCall[] = [];
  const preads: CoreCall[] = [];
  addon.source = (fd) => faulty(source(fd), faults, maps, preads);
  return {
    maps,
    preads,
    [Symbol.dispose]: () => {
      addon.source = source;
    },
  };
}

function faulty(source: NativeSource, faults: Faults, maps: CoreCall[], preads: CoreCall[]): NativeSource {
  /** After how many bytes it ends. */
  const read = (call: CoreCall): number => {
    preads.push(call);
    const fault = faults.pread?.(call);
    if (typeof fault === 'string') throw systemError(fault, 'pread');
    return fault ?? call.length;
  };
  return {
    counters: (into) => source.counters(into),
    map(position, length, populate) {
      const call = { index: maps.length, position, length };
      maps.push(call);
      const code = faults.map?.(call);
      if (code !== undefined) throw systemError(code, 'mmap');
      return source.map(position, length, populate);
    },
    pread(into, offset, length, position) {
      const most = read({ index: preads.length, position, length });
      return source.pread(into, offset, Math.min(length, most), position);
    },
    gather(position, parts, count, into) {
      const length = parts.subarray(0, count).reduce((sum, part) => sum + part, 0);
      const most = read({ index: preads.length, position, length });
      return most >= length && source.gather(position, parts, count, into);
    },
  };
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall}: ${code}`), { code, syscall });
}
