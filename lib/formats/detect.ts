import type { ByteSource } from '../access/byte-source.ts';
import type { CoreFile, OpenCoreOptions } from './core-file.ts';
import { unsupported } from './damaged.ts';
import { isElf, openElf } from './elf.ts';
import { FlattenedSource, openFlattened } from './flattened.ts';
import { isFlattened } from './flattened-layout.ts';
import { readHead } from './head.ts';
import { isKcore, openKcore } from './kcore.ts';
import { openKdump } from './kdump.ts';
import { isKdump } from './kdump-headers.ts';
import { isLime, openLime } from './lime.ts';
import { openS390Dump } from './s390-dump/dump.ts';
import { isS390Dump } from './s390-dump/header.ts';
import { addLowcoreNote } from './s390-lowcore.ts';

/**
 * Opens a source by what it contains, never by its name; several sources are the members of a split set.
 * @throws VmcoreError ERR_VMCORE_FORMAT when it is no core, or what the format throws.
 */
export async function openCoreFile(
  files: readonly ByteSource[],
  options: OpenCoreOptions = {},
): Promise<CoreFile> {
  const sources = await Promise.all(files.map((file) => unwrap(file, options)));
  const isCutOff = sources.some((source) => source instanceof FlattenedSource && source.isCutOff);
  const plain = await openPlain(sources, options);
  const core = isCutOff ? { ...plain, incomplete: true } : plain;
  return options.vmcoreinfo === undefined ? addLowcoreNote(core) : core;
}

/** A flattened file as what it would become, any other as it is. */
async function unwrap(file: ByteSource, options: OpenCoreOptions): Promise<ByteSource> {
  return isFlattened(headOf(file)) ? openFlattened(file, options) : file;
}

async function openPlain(sources: readonly ByteSource[], options: OpenCoreOptions): Promise<CoreFile> {
  const heads = sources.map(headOf);
  const [source, head] = [sources[0]!, heads[0]!];
  if (heads.every(isKdump)) return openKdump(sources, options);
  if (sources.length > 1) {
    const other = sources[heads.findIndex((head) => !isKdump(head))]!;
    throw unsupported(
      other.name,
      'is no kdump-compressed file; of several files each has to be a member of one split set',
    );
  }
  if (isElf(head)) return isKcore(source) ? openKcore(source, options) : openElf(source);
  if (isLime(head)) return openLime(source, options);
  if (isS390Dump(head)) return openS390Dump(source, options);
  throw unsupported(source.name, `is no core of a known format (it begins with ${describe(head)})`);
}

function headOf(source: ByteSource): Uint8Array {
  if (source.size === 0)
    throw unsupported(source.name, 'is empty; was the dump interrupted, or the disk full?');
  return readHead(source);
}

/** The first bytes: as text where they are text. */
function describe(head: Uint8Array): string {
  const bytes = head.subarray(0, 16);
  if (bytes.every((byte) => byte === 0)) return 'zeros';
  const printable = bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09);
  return printable
    ? JSON.stringify(String.fromCharCode(...bytes))
    : `bytes ${Buffer.from(bytes).toString('hex')}`;
}
