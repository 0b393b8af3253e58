import { damaged } from '../formats/damaged.ts';
import type { ElfProgram } from './elf-sections.ts';
import { openSection } from './section-stream.ts';
import { findStrings } from './string-table.ts';

/** gABI, Sections and Symbol Table: the type of a symbol table; a symbol of another file. */
const SHT_SYMTAB = 2;
const SHN_UNDEF = 0;
const SYMBOLS_AT_A_TIME = 32768;

/** The linked addresses of symbols, as far as there are some of these names. @throws as openSection(). */
export async function readSymbols(
  program: ElfProgram,
  names: Iterable<string>,
): Promise<ReadonlyMap<string, bigint>> {
  const { source, elf, littleEndian, sections } = program;
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  const strings = sections[table?.link ?? 0];
  const values = new Map<string, bigint>();
  if (!table || !strings?.hasBytes) return values;
  await using stringStream = openSection(program, strings);
  const nameAt = await findStrings(stringStream, names);
  await using symbols = openSection(program, table);
  const { sym } = elf;
  if (symbols.size % sym.bytes !== 0) throw damaged(source.name, 'has half a symbol', table.offset);
  while (symbols.position < symbols.size) {
    const bytes = await symbols.read(
      Math.min(SYMBOLS_AT_A_TIME * sym.bytes, symbols.size - symbols.position),
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += sym.bytes) {
      const name = nameAt.get(view.getUint32(at + sym.name, littleEndian));
      if (name === undefined || values.has(name)) continue;
      if (view.getUint16(at + sym.shndx, littleEndian) === SHN_UNDEF) continue;
      values.set(name, elf.word(view, at + sym.value, littleEndian));
    }
  }
  return values;
}
