import { setImmediate as nextTurn } from 'node:timers/promises';
import { VmcoreError } from '../errors.ts';
import { damaged } from '../formats/damaged.ts';
import { type Abbreviations, readAbbreviations } from './dwarf-abbreviations.ts';
import { Entries, type WantedNames } from './dwarf-entries.ts';
import { readUnit, typeUnits, type Unit } from './dwarf-unit.ts';
import { type ElfProgram, findSection } from './elf-sections.ts';
import { KernelTypes, type WantedTypes } from './kernel-types.ts';
import { openSection, readSection } from './section-stream.ts';
import { findStrings } from './string-table.ts';

/** A kernel has some MiB of abbreviations, and a few times as much in .debug_str_offsets. In bytes. */
const TABLE_LIMIT = 128 << 20;
/** Compilers put a string of fewer bytes than its offset takes, with its NUL, in place of the offset. */
const LONGEST_IN_PLACE = 3;
/** Units are small: the event loop is not held for longer than so many bytes of them take. */
const BYTES_IN_A_TURN = 1 << 20;

/** How the search for types is watched and ended. */
export interface DebugInfoOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called some times a second, with the bytes of .debug_info that were searched, and all of them. */
  readonly onProgress?: ((progress: { bytes: number; totalBytes: number }) => void) | undefined;
}

/**
 * Looks for types in .debug_info, one unit after another, until all have been found that `mayExist` and have a name in the
 * file.
 * @throws VmcoreError ERR_VMCORE_FORMAT without debug information, ERR_VMCORE_CORRUPT, ERR_VMCORE_TRUNCATED,
 *   ERR_VMCORE_CODEC; the signal's reason.
 */
export async function findTypes(
  program: ElfProgram,
  wanted: WantedTypes,
  mayExist: (name: string) => boolean,
  { signal, onProgress }: DebugInfoOptions,
): Promise<KernelTypes> {
  const [info, abbreviations] = [findSection(program, '.debug_info'), findSection(program, '.debug_abbrev')];
  const file = program.source.name;
  if (!info || !abbreviations) throw noDebugInfo(file);
  // Where DWARF 4 has them.
  if (findSection(program, '.debug_types')) throw typeUnits(file);
  const names = await findNames(program, wanted);
  const types = new KernelTypes(wanted, (name) => mayExist(name) && names.mayBe(name));
  const tables = new AbbreviationTables(await readSection(program, abbreviations, TABLE_LIMIT), program);
  await using stream = openSection(program, info);
  let turnEnd = 0;
  while (stream.position < stream.size && !types.isComplete) {
    if (stream.position >= turnEnd) {
      await nextTurn();
      signal?.throwIfAborted();
      onProgress?.({ bytes: stream.position, totalBytes: stream.size });
      turnEnd = stream.position + BYTES_IN_A_TURN;
    }
    addUnit(file, types, await readUnit(program, info, stream), tables, names);
  }
  return types;
}

function addUnit(
  file: string,
  types: KernelTypes,
  unit: Unit,
  tables: AbbreviationTables,
  names: WantedNames,
): void {
  try {
    types.add(new Entries(unit, tables.at(unit.abbreviations), names));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw damaged(file, `the unit at ${unit.offset} of .debug_info is damaged: ${error.message}`);
  }
}

/** Most units have abbreviations of their own, one after another. */
class AbbreviationTables {
  readonly #bytes: Uint8Array;
  readonly #littleEndian: boolean;
  #offset: number | undefined;
  #table: Abbreviations = new Map();

  constructor(bytes: Uint8Array, { littleEndian }: ElfProgram) {
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
  }

  at(offset: number): Abbreviations {
    if (offset !== this.#offset) {
      this.#table = readAbbreviations(this.#bytes, offset, this.#littleEndian);
      this.#offset = offset;
    }
    return this.#table;
  }
}

interface Names extends WantedNames {
  /** Whether an entry can have this name. */
  mayBe(name: string): boolean;
}

async function findNames(program: ElfProgram, wanted: WantedTypes): Promise<Names> {
  const { types, members, variables, enumerators } = wanted;
  const texts = new Set([...types, ...members, ...variables, ...enumerators]);
  const strings = findSection(program, '.debug_str');
  const offsets = findSection(program, '.debug_str_offsets');
  await using stream = strings && openSection(program, strings);
  const atOffset = stream ? await findStrings(stream, texts) : new Map<number, string>();
  const known = new Set(atOffset.values());
  const table = offsets && (await readSection(program, offsets, TABLE_LIMIT));
  const view = table && new DataView(table.buffer, table.byteOffset, table.length);
  return {
    texts,
    // What is in no table of strings need not be waited for, unless it is so short that it may be in place.
    mayBe: (name) => !strings || known.has(name) || name.length <= LONGEST_IN_PLACE,
    atOffset: (offset) => atOffset.get(offset),
    atOffsetOf(position, offsetSize) {
      if (!view) return undefined;
      const { littleEndian } = program;
      const wide = offsetSize === 8;
      const offset = wide
        ? Number(view.getBigUint64(position, littleEndian))
        : view.getUint32(position, littleEndian);
      return atOffset.get(offset);
    },
  };
}

function noDebugInfo(file: string): VmcoreError {
  const message =
    `${file}: has no debug information (.debug_info). Take the vmlinux of the kernel's debug package, such as ` +
    'linux-image-...-dbg or kernel-debuginfo';
  return new VmcoreError('ERR_VMCORE_FORMAT', message, { file });
}
