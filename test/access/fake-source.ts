import { type ByteSource, requireRange } from '../../lib/access/byte-source.ts';
import { type AccessCounters, NO_CALLS } from '../../lib/access/counters.ts';
import { gatherByReading, type Parts, packParts } from '../../lib/access/parts.ts';
import { type Region, WINDOW_BYTES, type Window } from '../../lib/access/region.ts';
import { VmcoreError } from '../../lib/errors.ts';

export interface FakeBehaviour {
  /** Maps that fail, as EAGAIN or EINVAL would. */
  readonly refusesMap?: (position: number, length: number) => boolean;
}

/** A source that remembers its calls, and which of its regions are held. */
export class FakeSource implements ByteSource {
  readonly name = 'fake';
  readonly mapping: ByteSource['mapping'] = 'lazy';
  readonly mapFailures = {};
  readonly shared = undefined;
  readonly size: number;
  /** `map 4096+8192` or `pread 0+100`: what was asked for. */
  readonly calls: string[] = [];
  /** Regions that are mapped now, as `start-end`. */
  readonly held = new Set<string>();
  /** Regions claim to be hit by SIGBUS. */
  faulted = false;
  readonly #byteAt: (position: number) => number;
  readonly #behaviour: FakeBehaviour;

  constructor(size: number, byteAt: (position: number) => number, behaviour: FakeBehaviour = {}) {
    this.size = size;
    this.#byteAt = byteAt;
    this.#behaviour = behaviour;
  }

  read(position: number, into: Uint8Array): void {
    this.calls.push(`pread ${position}+${into.length}`);
    requireRange(this, position, into.length);
    into.set(this.#bytes(position, position + into.length));
  }

  gather(position: number, parts: Parts, into: Uint8Array): void {
    gatherByReading(this, position, parts, into);
  }

  map(position: number, length: number): Region {
    this.calls.push(`map ${position}+${length}`);
    if (this.#behaviour.refusesMap?.(position, length)) {
      const cause = Object.assign(new Error('mmap'), { code: 'EAGAIN' });
      throw new VmcoreError('ERR_VMCORE_IO', 'refused', { cause });
    }
    return this.#region(position, Math.min(position + length, this.size));
  }

  checkLength(): void {}

  counters(): AccessCounters {
    return NO_CALLS;
  }

  addCalls(): void {}

  close(): void {}

  #bytes(start: number, end: number): Uint8Array {
    return Uint8Array.from({ length: end - start }, (_, i) => this.#byteAt(start + i));
  }

  #region(start: number, end: number): Region {
    const name = `${start}-${end}`;
    this.held.add(name);
    return {
      start,
      end,
      isMapped: true,
      window: (position): Window => {
        const from = position - ((position - start) % WINDOW_BYTES);
        const to = Math.min(from + WINDOW_BYTES, end);
        return { start: from, end: to, bytes: this.#bytes(from, to) };
      },
      gather: (position, parts, into) =>
        packParts(parts, this.#bytes(position, position + parts.span), 0, into),
      check: () => {
        if (this.faulted) throw new VmcoreError('ERR_VMCORE_FAULT', 'hit');
      },
      release: () => this.held.delete(name),
    };
  }
}
