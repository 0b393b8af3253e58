// Debug information, entry by entry, in any version of DWARF, byte order and way to store names.

/** An entry. Its attributes are pairs of name and value, in order. */
export interface Entry {
  readonly tag: number;
  readonly attributes: readonly (readonly [attribute: number, value: Value])[];
  readonly children?: readonly Entry[];
  /** Others refer to it by this. */
  readonly label?: string;
}

/** A name, a number, a reference to an entry, a flag, an offset to be added to an address, or the end of an entry's children. */
export type Value =
  | string
  | number
  | { readonly ref: string }
  | { readonly plus: number }
  | { readonly end: string }
  | true;

export interface DwarfShape {
  readonly littleEndian: boolean;
  readonly version: 2 | 3 | 4 | 5;
  /** Whether offsets have 8 bytes. */
  readonly wide: boolean;
  /** Where names are: in .debug_str, there by an index, or in the entries. */
  readonly names: 'strp' | 'strx' | 'string';
}

/** The sections. */
export interface Dwarf {
  readonly info: Buffer;
  readonly abbrev: Buffer;
  readonly str: Buffer;
  readonly strOffsets: Buffer;
}

const FORMS = {
  string: 0x08,
  strp: 0x0e,
  strx: 0x1a,
  udata: 0x0f,
  sdata: 0x0d,
  ref4: 0x13,
  block1: 0x0a,
  flag: 0x0c,
};
const DW_FORM_SEC_OFFSET = 0x17;
const DW_AT_STR_OFFSETS_BASE = 0x72;
const DW_OP_PLUS_UCONST = 0x23;
const DW_UT_COMPILE = 1;

export function buildDwarf(units: readonly Entry[], shape: DwarfShape): Dwarf {
  const writer = new DwarfWriter(shape);
  return writer.write(units);
}

class DwarfWriter {
  readonly #shape: DwarfShape;
  readonly #strings = new Map<string, number>();
  #stringBytes = 0;
  #abbreviations: number[] = [];
  #codes = new Map<string, number>();
  readonly #abbrev: number[] = [];
  #unit: number[] = [];
  #labels = new Map<string, number>();
  #fixups: { at: number; label: string }[] = [];

  constructor(shape: DwarfShape) {
    this.#shape = shape;
  }

  write(units: readonly Entry[]): Dwarf {
    const info = Buffer.concat(units.map((unit) => this.#writeUnit(unit)));
    const texts = [...this.#strings.keys()];
    const offsets = [...this.#strings.values()].flatMap((offset) => this.#offset(offset));
    const size = this.#shape.wide ? 8 : 4;
    const header = [...this.#length(offsets.length + 4), ...this.#number(5, 2), ...this.#number(0, 2)];
    if (header.length !== strOffsetsBase(size)) throw new Error('the header of the offsets');
    return {
      info,
      abbrev: Buffer.from(this.#abbrev),
      str: Buffer.from(texts.map((text) => `${text}\0`).join(''), 'latin1'),
      strOffsets: Buffer.from([...header, ...offsets]),
    };
  }

  #writeUnit(root: Entry): Buffer {
    const { version, wide } = this.#shape;
    this.#abbreviations = [];
    this.#codes = new Map();
    this.#labels = new Map();
    this.#fixups = [];
    const abbreviations = this.#offset(this.#abbrev.length);
    const addressSize = 8;
    const rest =
      version === 5 ? [DW_UT_COMPILE, addressSize, ...abbreviations] : [...abbreviations, addressSize];
    const start = wide ? 12 : 4;
    // References count from unit_length on.
    this.#unit = [...Array(start).fill(0), ...this.#number(version, 2), ...rest];
    this.#writeEntry(root);
    this.#resolve();
    this.#abbrev.push(...this.#abbreviations, 0);
    this.#unit.splice(0, start, ...this.#length(this.#unit.length - start));
    return Buffer.from(this.#unit);
  }

  #resolve(): void {
    for (const { at, label } of this.#fixups) {
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`no entry has the label ${label}`);
      this.#unit.splice(at, 4, ...this.#number(target, 4));
    }
  }

  #writeEntry({ tag, attributes, children, label }: Entry): void {
    const start = this.#unit.length;
    if (label !== undefined) this.#labels.set(label, start);
    const isRoot = this.#codes.size === 0 && this.#shape.names === 'strx';
    const forms = attributes.map(([attribute, value]) => [attribute, this.#formOf(value)] as const);
    const base = isRoot ? ([[DW_AT_STR_OFFSETS_BASE, DW_FORM_SEC_OFFSET]] as const) : [];
    this.#unit.push(...uleb(this.#code(tag, children !== undefined, [...base, ...forms])));
    if (isRoot) this.#unit.push(...this.#offset(strOffsetsBase(this.#shape.wide ? 8 : 4)));
    for (const [, value] of attributes) this.#unit.push(...this.#encode(value));
    for (const child of children ?? []) this.#writeEntry(child);
    if (children) this.#unit.push(0);
    if (label !== undefined) this.#labels.set(`end of ${label}`, this.#unit.length);
  }

  #code(tag: number, hasChildren: boolean, forms: readonly (readonly [number, number])[]): number {
    const bytes = [...uleb(tag), hasChildren ? 1 : 0, ...forms.flat().flatMap(uleb), 0, 0];
    const key = bytes.join();
    const known = this.#codes.get(key);
    if (known !== undefined) return known;
    const code = this.#codes.size + 1;
    this.#codes.set(key, code);
    this.#abbreviations.push(...uleb(code), ...bytes);
    return code;
  }

  #formOf(value: Value): number {
    if (typeof value === 'string') return FORMS[this.#shape.names];
    if (typeof value === 'number') return value < 0 ? FORMS.sdata : FORMS.udata;
    if (value === true) return FORMS.flag;
    return 'plus' in value ? FORMS.block1 : FORMS.ref4;
  }

  #encode(value: Value): number[] {
    if (typeof value === 'string') return this.#name(value);
    if (typeof value === 'number') return value < 0 ? [...sleb(value)] : uleb(value);
    if (value === true) return [1];
    if ('plus' in value) {
      const operands = uleb(value.plus);
      return [1 + operands.length, DW_OP_PLUS_UCONST, ...operands];
    }
    const label = 'ref' in value ? value.ref : `end of ${value.end}`;
    // Attributes are written one by one, so the end of the unit is where this one goes.
    this.#fixups.push({ at: this.#unit.length, label });
    return [0, 0, 0, 0];
  }

  #name(text: string): number[] {
    const { names } = this.#shape;
    if (names === 'string') return [...Buffer.from(`${text}\0`, 'latin1')];
    if (!this.#strings.has(text)) {
      this.#strings.set(text, this.#stringBytes);
      this.#stringBytes += text.length + 1;
    }
    if (names === 'strp') return this.#offset(this.#strings.get(text)!);
    return uleb([...this.#strings.keys()].indexOf(text));
  }

  #length(length: number): number[] {
    return this.#shape.wide ? [0xff, 0xff, 0xff, 0xff, ...this.#number(length, 8)] : this.#number(length, 4);
  }

  #offset(value: number): number[] {
    return this.#number(value, this.#shape.wide ? 8 : 4);
  }

  #number(value: number, bytes: number): number[] {
    const digits = Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);
    return this.#shape.littleEndian ? digits : digits.reverse();
  }
}

/** Behind the header of the only unit's offsets. */
function strOffsetsBase(offsetSize: 4 | 8): number {
  return offsetSize === 8 ? 16 : 8;
}

function uleb(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...uleb(Math.floor(value / 128))];
}

/** Of a negative number above -64. */
function sleb(value: number): number[] {
  return [value & 0x7f];
}
