import type { ByteSource } from '../access/byte-source.ts';
import { VmcoreError } from '../errors.ts';
import type { CoreFile } from './core-file.ts';
import { isElf, openElf } from './elf.ts';

/** Enough for every magic. */
const HEAD_BYTES = 64;

/**
 * Opens a source by what it contains, never by its name.
 * @throws VmcoreError ERR_VMCORE_FORMAT when it is no core, or what the format throws.
 */
export function openCoreFile(source: ByteSource): CoreFile {
  if (source.size === 0) throw refuse(source, 'is empty; was the dump interrupted, or the disk full?');
  const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
  source.read(0, head);
  if (isElf(head)) return openElf(source);
  throw refuse(source, `is no ELF core (it begins with ${describe(head)})`);
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

function refuse(source: ByteSource, what: string): VmcoreError {
  return new VmcoreError('ERR_VMCORE_FORMAT', `${source.name}: ${what}`, { file: source.name, offset: 0 });
}
