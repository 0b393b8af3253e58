import { ByteCursor } from './byte-cursor.ts';
import { FORM, TAG } from './dwarf-constants.ts';

/** What entries of one code have (DWARF 5, 7.5.3). */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Pairs of attribute and form. */
  readonly attributes: readonly number[];
  /** The value of an attribute whose form is DW_FORM_implicit_const. */
  readonly constants: ReadonlyMap<number, number>;
  /** Whether entries of it are looked at, beside where the next one is. */
  readonly isWanted: boolean;
}

/** By code. */
export type Abbreviations = ReadonlyMap<number, Abbreviation>;

const WANTED: ReadonlySet<number> = new Set(Object.values(TAG));

/** The abbreviations of a unit. @throws RangeError at the end of the bytes. */
export function readAbbreviations(bytes: Uint8Array, offset: number, littleEndian: boolean): Abbreviations {
  const cursor = new ByteCursor(bytes, littleEndian);
  cursor.at = offset;
  const table = new Map<number, Abbreviation>();
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    table.set(code, readAbbreviation(cursor));
  }
  return table;
}

function readAbbreviation(cursor: ByteCursor): Abbreviation {
  const tag = cursor.uleb();
  const hasChildren = cursor.u8() !== 0;
  const attributes: number[] = [];
  const constants = new Map<number, number>();
  for (;;) {
    const [attribute, form] = [cursor.uleb(), cursor.uleb()];
    if (form === FORM.implicitConst) constants.set(attribute, cursor.sleb());
    if (attribute === 0 && form === 0) break;
    attributes.push(attribute, form);
  }
  return { tag, hasChildren, attributes, constants, isWanted: WANTED.has(tag) };
}
