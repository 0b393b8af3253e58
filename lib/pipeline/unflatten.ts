import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { argumentError, VmcoreError } from '../errors.ts';
import { FlattenedParser, type FlattenedPiece } from '../formats/flattened-parser.ts';
import { MARK_BYTES, markIncomplete } from '../formats/incomplete-mark.ts';
import type { AbortMode, Sink } from '../output/sink.ts';
import { holdErrors } from './held-errors.ts';
import { type OutputOptions, openOutputs } from './output-target.ts';

/** How a flattened dump is put together. */
export interface UnflattenOptions extends Omit<OutputOptions, 'flattened'> {
  /** Take a stream that has no end marker for what it is: the dump is marked incomplete. */
  readonly acceptTruncated?: boolean | undefined;
  /** What is left when it does not end well: `keep` (default) leaves it marked incomplete. */
  readonly onFailure?: AbortMode | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with its path when an incomplete dump is left behind. */
  readonly onIncomplete?: ((file: string) => void) | undefined;
}

/** What was put together. */
export interface UnflattenReport {
  readonly file: string;
  /** False when the stream had no end marker: the dump is marked incomplete. */
  readonly complete: boolean;
  readonly dryRun: boolean;
  /** Records of the stream. */
  readonly records: number;
  /** Size of the stream up to its end marker, and of the dump, in bytes. */
  readonly inputBytes: number;
  readonly bytes: number;
}

/** Bytes of a file that are read at a time. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Puts the dump together that a flattened stream stands for. The stream is read once, and may come from anywhere.
 * @param input a path, or a stream of bytes.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_IO, ERR_VMCORE_FORMAT, ERR_VMCORE_CORRUPT; ERR_VMCORE_TRUNCATED when
 *   the end marker is missing; ERR_VMCORE_EXISTS, ERR_VMCORE_NO_SPACE, ERR_VMCORE_OUTPUT; the signal's reason.
 */
export async function unflatten(
  input: string | Readable,
  output: string,
  options: UnflattenOptions = {},
): Promise<UnflattenReport> {
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  if (typeof input !== 'string' && !(input instanceof Readable))
    throw argumentError('the input is a path or a Readable');
  if (typeof output !== 'string' || output === '') throw argumentError('the output is a path');
  using _ = typeof input === 'string' ? undefined : holdErrors(input);
  const [sink] = await openOutputs(output, { ...options, flattened: false }, signal);
  const stream = typeof input === 'string' ? createReadStream(input, { highWaterMark: CHUNK_BYTES }) : input;
  const name = typeof input === 'string' ? input : 'stream';
  try {
    return await copyRecords(chunksOf(stream, name, signal), new FlattenedParser(name), sink!, options);
  } catch (error) {
    const mode = sink!.size > 0 ? (options.onFailure ?? 'keep') : 'remove';
    const left = await sink!.abort(mode).catch(() => undefined);
    if (left !== undefined) options.onIncomplete?.(left);
    throw error;
  } finally {
    stream.destroy();
  }
}

async function copyRecords(
  chunks: AsyncIterable<Uint8Array>,
  parser: FlattenedParser,
  sink: Sink,
  { acceptTruncated, dryRun }: UnflattenOptions,
): Promise<UnflattenReport> {
  const dump = new UnflattenedDump(sink);
  for await (const chunk of chunks) {
    for (const piece of parser.feed(chunk)) await dump.write(piece);
    if (parser.isComplete) break;
  }
  const complete = parser.isComplete;
  if (!complete && !(acceptTruncated && parser.hasBegun)) throw truncated(sink.file, parser);
  await dump.finish(complete);
  return {
    file: sink.file,
    complete,
    dryRun: dryRun ?? false,
    records: parser.records,
    inputBytes: parser.consumed,
    bytes: sink.size,
  };
}

/** Keeps the dump marked incomplete until it is known that it is not: its header is written last. */
class UnflattenedDump {
  readonly #sink: Sink;
  readonly #head = new Uint8Array(MARK_BYTES);
  #headBytes = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  async write({ position, bytes }: FlattenedPiece): Promise<void> {
    const inHead = Math.max(0, Math.min(bytes.length, MARK_BYTES - position));
    if (inHead > 0) {
      this.#head.set(bytes.subarray(0, inHead), position);
      this.#headBytes = Math.max(this.#headBytes, position + inHead);
      await this.#sink.write(0, this.#marked());
    }
    if (inHead < bytes.length) await this.#sink.write(position + inHead, bytes.subarray(inHead));
  }

  async finish(complete: boolean): Promise<void> {
    try {
      await this.#sink.finish(0, complete ? this.#head.subarray(0, this.#headBytes) : this.#marked());
    } catch (error) {
      // It may have cleared the mark already. Where that can't be undone, the error is still the one that counts.
      await this.#sink.write(0, this.#marked()).catch(() => {});
      throw error;
    }
  }

  #marked(): Uint8Array {
    const head = this.#head.slice(0, this.#headBytes);
    markIncomplete(head);
    return head;
  }
}

/** What a stream gives, with errors of this library. */
async function* chunksOf(stream: Readable, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const end = () => stream.destroy();
  signal.addEventListener('abort', end);
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array))
        throw argumentError('the input is a stream of bytes, not of text or objects');
      yield chunk;
      signal.throwIfAborted();
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof VmcoreError) throw cause;
    const isOpen = cause instanceof Error && 'syscall' in cause && cause.syscall === 'open';
    const message = `${name}: could not be ${isOpen ? 'opened' : 'read'}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new VmcoreError(isOpen ? 'ERR_VMCORE_OPEN' : 'ERR_VMCORE_IO', message, { file: name, cause });
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function truncated(file: string, parser: FlattenedParser): VmcoreError {
  const message = `the flattened dump for ${file} ends after ${parser.consumed} bytes, without an end marker: it is not complete`;
  return new VmcoreError('ERR_VMCORE_TRUNCATED', message, { offset: parser.consumed });
}
