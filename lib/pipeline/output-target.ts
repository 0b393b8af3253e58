import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { argumentError } from '../errors.ts';
import { FileSink } from '../output/file-sink.ts';
import { FlattenedSink } from '../output/flattened.ts';
import { LimitedSink } from '../output/limited-sink.ts';
import { NullSink } from '../output/null-sink.ts';
import type { Sink } from '../output/sink.ts';
import { StreamSink } from '../output/stream-sink.ts';

/** Where a dump goes: a file, a stream (flattened: it can't seek), or the files of a split set. */
export type DumpTarget = string | Writable | readonly string[];

/** How outputs are written. */
export interface OutputOptions {
  /** Replace an output that exists: the new dump is written beside it and renamed over it at the end. */
  readonly force?: boolean | undefined;
  /** Write the flattened form to a file too, as `makedumpfile -F` does. To a stream nothing else is written. */
  readonly flattened?: boolean | undefined;
  /** No file becomes larger, in bytes: beyond it is as on a full disk. */
  readonly maxBytes?: number | undefined;
  /** Do everything but write: the report says what the dump would be. No file is made or looked at. */
  readonly dryRun?: boolean | undefined;
}

/** Whether a target is a stream. Streams of another copy of node:stream are some, too. */
export function isStream(target: DumpTarget): target is Writable {
  if (target instanceof Writable) return true;
  if (typeof target !== 'object' || !('write' in target) || !('writable' in target)) return false;
  return typeof target.write === 'function';
}

/** Whether what is written is in the flattened form. */
export function isFlattened(target: DumpTarget, options: OutputOptions): boolean {
  return isStream(target) || (options.flattened ?? false);
}

/** The files of a target; none for a stream. */
export function filesOf(target: DumpTarget): readonly string[] {
  if (typeof target === 'string') return [target];
  return isStream(target) ? [] : target;
}

/** @throws VmcoreError ERR_VMCORE_ARGUMENT for what is no target, or does not go with the options. */
export function checkTarget(target: DumpTarget, { flattened, maxBytes }: OutputOptions): void {
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes > 0)) {
    throw argumentError(`maxBytes is a number of bytes above 0, not ${String(maxBytes)}`);
  }
  if (target === null || (typeof target !== 'string' && typeof target !== 'object')) {
    throw argumentError(`a dump goes to a path, a list of paths or a stream, not to ${String(target)}`);
  }
  if (isStream(target)) {
    if (target.destroyed || target.writableEnded || !target.writable)
      throw argumentError('the stream was ended before');
    return;
  }
  const files = filesOf(target);
  if (
    !Array.isArray(files) ||
    files.length === 0 ||
    files.some((file) => typeof file !== 'string' || file === '')
  ) {
    throw argumentError('a dump goes to a path, a list of paths or a stream');
  }
  if (new Set(files.map((file) => resolve(file))).size !== files.length)
    throw argumentError('two files of a split set are the same');
  if (flattened && typeof target !== 'string') throw argumentError('a split set can not be flattened');
}

/** Opens the outputs of a target, all or none. @throws VmcoreError what FileSink.create() throws. */
export async function openOutputs(
  target: DumpTarget,
  options: OutputOptions,
  signal: AbortSignal,
): Promise<Sink[]> {
  if (isStream(target)) {
    const stream = options.dryRun ? new NullSink('stream') : new StreamSink(target, signal);
    return [new FlattenedSink(limited(stream, options))];
  }
  const sinks: Sink[] = [];
  try {
    for (const file of filesOf(target)) {
      const sink = options.dryRun ? new NullSink(file) : await FileSink.create(file, options);
      const bounded = limited(sink, options);
      sinks.push(options.flattened ? new FlattenedSink(bounded) : bounded);
    }
    return sinks;
  } catch (error) {
    await Promise.allSettled(sinks.map((sink) => sink.abort('remove')));
    throw error;
  }
}

function limited(sink: Sink, { maxBytes }: OutputOptions): Sink {
  return maxBytes === undefined ? sink : new LimitedSink(sink, maxBytes);
}
