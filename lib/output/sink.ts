/** What an abort leaves of an incomplete output: `keep` leaves it as it is, marked incomplete; `remove` nothing. */
export type AbortMode = 'keep' | 'remove';

/**
 * Where an output format writes its bytes: a file, or a stream that carries positions. One call at a time; bytes
 * handed in must not change until the promise is settled, and must not be a mapped view.
 *
 * Every method rejects with a VmcoreError: ERR_VMCORE_NO_SPACE when disk, quota or size limit are exhausted,
 * ERR_VMCORE_OUTPUT for any other failure; `offset` is the position of the first byte that was not written, or
 * may not have reached the medium.
 */
export interface Sink {
  /** What it is called in messages. */
  readonly file: string;
  /** Bytes written so far, reserved and rewritten ones included. */
  readonly bytesWritten: number;
  /** Size of the output as it stands: the end of its last byte. */
  readonly size: number;
  /** Whether reserve() keeps room: else what has to be written later may find none. */
  readonly canReserve: boolean;
  /** Writes all of `bytes` at byte `position`. Later writes win over earlier ones. Gaps read as zeros. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /**
   * Makes sure, as far as the medium can, that bytes can be written in this range later even on a disk that is full by
   * then. It reads as zeros until they are.
   */
  reserve(position: number, length: number): Promise<void>;
  /** Reads bytes back that were written. Resolves to false where the medium can't: a stream, a device, nothing at all. */
  readBack(position: number, into: Uint8Array): Promise<boolean>;
  /** Everything written reaches the medium. */
  sync(): Promise<void>;
  /**
   * Makes the output complete, and durable: everything written reaches the medium, only then `bytes` are written at
   * `position` (a header without its incomplete mark) and reach it too. The sink is closed.
   */
  finish(position: number, bytes: Uint8Array): Promise<void>;
  /**
   * Ends an output that will never be complete, and closes the sink, at once: what it keeps is not synced. Returns
   * where the incomplete output lies, if something is left; where the medium can, what lies from byte `end` on is cut
   * off. Does nothing after finish() or abort().
   */
  abort(mode: AbortMode, end?: number): Promise<string | undefined>;
}
