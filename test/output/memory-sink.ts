import type { AbortMode, Sink } from '../../lib/output/sink.ts';

/** A sink in memory that records what was called, with what. */
export class MemorySink implements Sink {
  readonly canReserve = true;
  readonly file = 'memory';
  readonly calls: string[] = [];
  bytesWritten = 0;
  bytes = Buffer.alloc(0);

  get size(): number {
    return this.bytes.length;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    this.calls.push(`write ${position} ${bytes.length}`);
    this.#store(position, bytes);
  }

  async reserve(position: number, length: number): Promise<void> {
    this.calls.push(`reserve ${position} ${length}`);
    this.#store(position, Buffer.alloc(length));
  }

  async readBack(position: number, into: Uint8Array): Promise<boolean> {
    into.set(this.bytes.subarray(position, position + into.length));
    return true;
  }

  async sync(): Promise<void> {
    this.calls.push('sync');
  }

  async finish(position: number, bytes: Uint8Array): Promise<void> {
    this.calls.push(`finish ${position} ${bytes.length}`);
    this.#store(position, bytes);
  }

  async abort(mode: AbortMode): Promise<string | undefined> {
    this.calls.push(`abort ${mode}`);
    return mode === 'keep' ? this.file : undefined;
  }

  #store(position: number, bytes: Uint8Array): void {
    const size = Math.max(this.bytes.length, position + bytes.length);
    const grown = Buffer.alloc(size);
    grown.set(this.bytes);
    grown.set(bytes, position);
    this.bytes = grown;
    this.bytesWritten += bytes.length;
  }
}
