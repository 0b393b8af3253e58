import { VmcoreError } from '../errors.ts';
import { damaged } from '../formats/damaged.ts';
import { ByteCursor } from './byte-cursor.ts';
import { UNIT_TYPE } from './dwarf-constants.ts';
import type { ElfProgram, Section } from './elf-sections.ts';
import type { SectionStream } from './section-stream.ts';

/** unit_length of 64-bit DWARF, and the lowest value that is no length (DWARF 5, 7.4). */
const DWARF64 = 0xffffffff;
const RESERVED_LENGTHS = 0xfffffff0;
const OLDEST = 2;
const NEWEST = 5;
/** The entries of one source file: a few hundred KiB in a kernel. In bytes. */
const UNIT_LIMIT = 64 << 20;

/** The entries of one source file (DWARF 5, 7.5.1). */
export interface Unit {
  /** All bytes, from unit_length on: references within the unit count from there. */
  readonly cursor: ByteCursor;
  readonly version: number;
  /** Bytes of an offset: 8 in 64-bit DWARF. */
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  /** Where its abbreviations begin in .debug_abbrev. */
  readonly abbreviations: number;
  /** Where its first entry begins in `cursor`. */
  readonly entries: number;
  /** Where it begins in .debug_info. */
  readonly offset: number;
}

/** The next unit of .debug_info. @throws VmcoreError ERR_VMCORE_CORRUPT, ERR_VMCORE_FORMAT. */
export async function readUnit(
  { source, littleEndian }: ElfProgram,
  section: Section,
  stream: SectionStream,
): Promise<Unit> {
  const offset = stream.position;
  const head = [await stream.read(4)];
  let length = new ByteCursor(head[0]!, littleEndian).u32();
  const offsetSize = length === DWARF64 ? 8 : 4;
  if (offsetSize === 8) {
    head.push(await stream.read(8));
    length = new ByteCursor(head[1]!, littleEndian).u64();
  } else if (length >= RESERVED_LENGTHS) {
    throw damaged(
      source.name,
      `has a unit of length 0x${length.toString(16)} in .debug_info`,
      section.offset,
    );
  }
  if (length > UNIT_LIMIT) {
    throw damaged(
      source.name,
      `has a unit of ${length} bytes in .debug_info; ${UNIT_LIMIT} are read`,
      section.offset,
    );
  }
  const cursor = new ByteCursor(Buffer.concat([...head, await stream.read(length)]), littleEndian);
  try {
    return { cursor, offset, offsetSize, ...readUnitHeader(source.name, cursor, offsetSize) };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw damaged(source.name, `has a unit of ${length} bytes in .debug_info, too few`, section.offset);
  }
}

function readUnitHeader(file: string, cursor: ByteCursor, offsetSize: 4 | 8) {
  const offset = () => (offsetSize === 8 ? cursor.u64() : cursor.u32());
  cursor.at = offsetSize === 8 ? 12 : 4;
  const version = cursor.u16();
  if (version < OLDEST || version > NEWEST) {
    const message = `${file}: has debug information of DWARF ${version}; ${OLDEST} to ${NEWEST} are read`;
    throw new VmcoreError('ERR_VMCORE_FORMAT', message, { file });
  }
  if (version < 5) {
    const abbreviations = offset();
    const addressSize = cursor.u8();
    return { version, addressSize, abbreviations, entries: cursor.at };
  }
  const type = cursor.u8();
  const addressSize = cursor.u8();
  const abbreviations = offset();
  if (type === UNIT_TYPE.type || type === UNIT_TYPE.splitType) throw typeUnits(file);
  // The number of the file that has the entries.
  if (type === UNIT_TYPE.skeleton || type === UNIT_TYPE.splitCompile) cursor.skip(8);
  return { version, addressSize, abbreviations, entries: cursor.at };
}

/** Types with units of their own are referred to by signatures, which are not followed: no kernel has them. */
export function typeUnits(file: string): VmcoreError {
  const message = `${file}: has its types in units of their own (-fdebug-types-section), which are not read`;
  return new VmcoreError('ERR_VMCORE_FORMAT', message, { file });
}
