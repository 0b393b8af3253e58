import { argumentError, VmcoreError } from '../errors.ts';
import { type CodecKind, type LoadedCodec, PAGE_COMPRESSION, type PageCodec } from './codec.ts';
import { lzo } from './lzo.ts';
import { snappy } from './snappy.ts';
import { zlib } from './zlib.ts';
import { zstd } from './zstd.ts';

/** Every codec there is: a new one is a file and its line here. */
const KINDS = { zlib, zstd, lzo, snappy } as const satisfies Record<string, CodecKind>;

/** The compressions that this version knows; codecs() says which work in this process. */
export type CodecName = keyof typeof KINDS;

/** By the flag of a page descriptor. */
const COMPRESSIONS: ReadonlyMap<number, CodecName> = new Map([
  [PAGE_COMPRESSION.zlib, 'zlib'],
  [PAGE_COMPRESSION.zstd, 'zstd'],
  [PAGE_COMPRESSION.lzo, 'lzo'],
  [PAGE_COMPRESSION.snappy, 'snappy'],
]);

export interface CodecOptions {
  /** How hard to compress: 1 (the default, as makedumpfile does) to 9 for zlib, -131072 to 22 for zstd; lzo and snappy have only 1. */
  readonly level?: number | undefined;
}

/** Which codecs work in this process, and by what. */
export interface CodecStatus {
  readonly available: boolean;
  /** The library in use and its version, such as `zstd-napi 1.5.7`; empty when there is none. */
  readonly implementation: string;
  /** Why better implementations, or all of them, are not in use. */
  readonly reason?: string;
}

/**
 * A codec for the pages of one thread.
 *
 * @throws VmcoreError ERR_VMCORE_ARGUMENT for an unknown name or a level out of range; ERR_VMCORE_CODEC when nothing
 *   in this process implements the codec.
 */
export function codec(name: CodecName, options: CodecOptions = {}): PageCodec {
  if (!Object.hasOwn(KINDS, name)) {
    const known = Object.keys(KINDS).join(', ');
    throw argumentError(`no codec is called ${String(name)}: there are ${known}`);
  }
  return createCodec(name, KINDS[name], options);
}

/** The compression whose stored pages have a flag; undefined for none that is known. */
export function compressionOf(flag: number): CodecName | undefined {
  return COMPRESSIONS.get(flag);
}

/** Which implementation of each codec is in use here. Loads them. */
export function codecs(): Record<CodecName, CodecStatus> {
  const statuses = Object.entries(KINDS).map(([name, kind]) => [name, codecStatus(kind)]);
  return Object.fromEntries(statuses) as Record<CodecName, CodecStatus>;
}

/** @internal */
export function createCodec(name: string, kind: CodecKind, options: CodecOptions): PageCodec {
  const { min, max, standard } = kind.levels;
  const level = options.level ?? standard;
  if (!Number.isInteger(level) || level < min || level > max) {
    throw argumentError(`level ${level} of ${name} is not a whole number from ${min} to ${max}`);
  }
  const { loaded, reasons } = load(kind);
  if (!loaded) throw new VmcoreError('ERR_VMCORE_CODEC', `no ${name} in this process: ${reasons}`);
  return loaded.create(level);
}

function codecStatus(kind: CodecKind): CodecStatus {
  const { implementation, loaded, reasons } = load(kind);
  return {
    available: loaded !== undefined,
    implementation: loaded ? `${implementation} ${loaded.version}`.trim() : '',
    ...(reasons && { reason: reasons }),
  };
}

interface Choice {
  readonly implementation: string;
  readonly loaded: LoadedCodec | undefined;
  /** Why the implementations before it, or all of them, did not load. */
  readonly reasons: string;
}

function load(kind: CodecKind): Choice {
  const reasons: string[] = [];
  for (const { name, load } of kind.implementations) {
    try {
      return { implementation: name, loaded: load(), reasons: reasons.join('; ') };
    } catch (error) {
      reasons.push(`${name}: ${firstLine(error)}`);
    }
  }
  return { implementation: '', loaded: undefined, reasons: reasons.join('; ') };
}

/** The message of a module that was not found goes on with the stack of requires. */
function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
