import type { Abbreviation, Abbreviations } from './dwarf-abbreviations.ts';
import { ATTRIBUTE, FORM, OP_PLUS_UCONST } from './dwarf-constants.ts';
import type { Unit } from './dwarf-unit.ts';

/** Which strings are names that are looked for; others are undefined. */
export interface WantedNames {
  /** By their text. */
  readonly texts: ReadonlySet<string>;
  /** By their offset in .debug_str. */
  atOffset(offset: number): string | undefined;
  /** By where in .debug_str_offsets their offset is. */
  atOffsetOf(position: number, offsetSize: 4 | 8): string | undefined;
}

/** Of values that are only passed: bytes of those that have as many in every unit, offsets, and LEB128 numbers. */
const VALUE_BYTES: Readonly<Record<number, number>> = {
  [FORM.addrx1]: 1,
  [FORM.addrx2]: 2,
  [FORM.addrx3]: 3,
  [FORM.addrx4]: 4,
  [FORM.refSup4]: 4,
  [FORM.refSup8]: 8,
  [FORM.refSig8]: 8,
  [FORM.data16]: 16,
};
const OFFSETS: ReadonlySet<number> = new Set([FORM.lineStrp, FORM.strpSup, FORM.gnuRefAlt, FORM.gnuStrpAlt]);
const INDEXES: ReadonlySet<number> = new Set([FORM.addrx, FORM.loclistx, FORM.rnglistx, FORM.gnuAddrIndex]);

/** Names that are wanted are shorter: see layout-keys.ts. In bytes. */
const NAME_LIMIT = 64;

/**
 * The entries of a unit, one at a time: next() reads an entry with those of its attributes that matter here (DWARF 5, 2.2).
 * All its methods throw a RangeError where the unit ends too early or has what is not known.
 */
export class Entries {
  /** Where the entry that was read begins. */
  start = 0;
  /** undefined at the end of a list of entries. */
  abbreviation: Abbreviation | undefined;
  /** Whether it has a name, wanted or not. */
  hasName = false;
  /** Its name if that is wanted. */
  name: string | undefined;
  isDeclaration = false;
  /** Where the next entry is that is no child of it. */
  sibling: number | undefined;
  byteSize: number | undefined;
  constValue: number | undefined;
  upperBound: number | undefined;
  count: number | undefined;
  memberLocation: number | undefined;
  /** Where the entry of its type begins in this unit. */
  type: number | undefined;
  /** Where the entry begins that it adds to. */
  specification: number | undefined;
  readonly #unit: Unit;
  readonly #abbreviations: Abbreviations;
  readonly #names: WantedNames;
  /** Where the offsets of the unit's strings begin in .debug_str_offsets: the first entry tells. */
  #strOffsetsBase: number | undefined;
  /** Of the value that was read: a string that is no wanted name is undefined. */
  #number: number | undefined;
  #text: string | undefined;

  constructor(unit: Unit, abbreviations: Abbreviations, names: WantedNames) {
    this.#unit = unit;
    this.#abbreviations = abbreviations;
    this.#names = names;
    unit.cursor.at = unit.entries;
  }

  get tag(): number | undefined {
    return this.abbreviation?.tag;
  }

  /** Where the next entry begins. */
  get position(): number {
    return this.#unit.cursor.at;
  }

  get atEnd(): boolean {
    return this.position >= this.#unit.cursor.bytes.length;
  }

  /** Goes to an entry, and reads it. */
  readAt(position: number): void {
    if (position < this.#unit.entries) throw new RangeError(`no entry is at ${position}`);
    this.#unit.cursor.at = position;
    this.next();
  }

  next(): void {
    const { cursor } = this.#unit;
    this.start = cursor.at;
    const code = cursor.uleb();
    const abbreviation = this.#abbreviations.get(code);
    this.abbreviation = abbreviation;
    this.#clear();
    if (abbreviation) this.#readAttributes(abbreviation);
    else if (code !== 0) throw new RangeError(`abbreviation ${code} is not known`);
  }

  /** Passes the children of the entry that was just read. */
  skipChildren(): void {
    if (!this.abbreviation?.hasChildren) return;
    const { cursor } = this.#unit;
    if (this.sibling !== undefined && this.sibling >= cursor.at) {
      cursor.skip(this.sibling - cursor.at);
      return;
    }
    for (let depth = 1; depth > 0; ) {
      this.next();
      if (this.abbreviation === undefined) depth--;
      else if (this.abbreviation.hasChildren) {
        if (this.sibling !== undefined && this.sibling >= cursor.at) cursor.skip(this.sibling - cursor.at);
        else depth++;
      }
    }
  }

  #clear(): void {
    this.hasName = false;
    this.name = undefined;
    this.isDeclaration = false;
    this.sibling = undefined;
    this.byteSize = undefined;
    this.constValue = undefined;
    this.upperBound = undefined;
    this.count = undefined;
    this.memberLocation = undefined;
    this.type = undefined;
    this.specification = undefined;
  }

  #readAttributes({ attributes, constants, isWanted }: Abbreviation): void {
    for (let i = 0; i < attributes.length; i += 2) {
      const attribute = attributes[i]!;
      this.#readValue(attributes[i + 1]!);
      if (isWanted) {
        if (attributes[i + 1] === FORM.implicitConst) this.#number = constants.get(attribute);
        this.#keep(attribute);
      } else if (attribute === ATTRIBUTE.sibling) this.sibling = this.#number;
    }
  }

  #keep(attribute: number): void {
    switch (attribute) {
      case ATTRIBUTE.sibling:
        this.sibling = this.#number;
        break;
      case ATTRIBUTE.name:
        this.hasName = true;
        this.name = this.#text;
        break;
      case ATTRIBUTE.byteSize:
        this.byteSize = this.#number;
        break;
      case ATTRIBUTE.constValue:
        this.constValue = this.#number;
        break;
      case ATTRIBUTE.upperBound:
        this.upperBound = this.#number;
        break;
      case ATTRIBUTE.count:
        this.count = this.#number;
        break;
      case ATTRIBUTE.memberLocation:
        this.memberLocation = this.#number;
        break;
      case ATTRIBUTE.declaration:
        this.isDeclaration = true;
        break;
      case ATTRIBUTE.specification:
        this.specification = this.#number;
        break;
      case ATTRIBUTE.type:
        this.type = this.#number;
        break;
      case ATTRIBUTE.strOffsetsBase:
        this.#strOffsetsBase = this.#number;
        break;
    }
  }

  /** Passes a value; numbers and wanted names are kept, for references their place in this unit. */
  #readValue(form: number): void {
    const { cursor } = this.#unit;
    this.#number = undefined;
    this.#text = undefined;
    switch (form) {
      case FORM.data1:
      case FORM.flag:
      case FORM.ref1:
        this.#number = cursor.u8();
        break;
      case FORM.data2:
      case FORM.ref2:
        this.#number = cursor.u16();
        break;
      case FORM.data4:
      case FORM.ref4:
        this.#number = cursor.u32();
        break;
      case FORM.data8:
      case FORM.ref8:
        this.#number = cursor.u64();
        break;
      case FORM.udata:
      case FORM.refUdata:
        this.#number = cursor.uleb();
        break;
      case FORM.sdata:
        this.#number = cursor.sleb();
        break;
      case FORM.flagPresent:
      case FORM.implicitConst:
        break;
      case FORM.refAddr:
        // In DWARF 2 it was as long as an address.
        this.#number = this.#offset(this.#unit.version === 2 ? this.#unit.addressSize : undefined);
        this.#number -= this.#unit.offset;
        break;
      case FORM.secOffset:
        this.#number = this.#offset();
        break;
      case FORM.indirect:
        this.#readValue(this.#directForm());
        break;
      default:
        if (!this.#readString(form)) this.#skipValue(form);
    }
  }

  #directForm(): number {
    const form = this.#unit.cursor.uleb();
    if (form === FORM.indirect || form === FORM.implicitConst)
      throw new RangeError(`form ${form} is not here`);
    return form;
  }

  /** Whether it is a string. */
  #readString(form: number): boolean {
    const { cursor } = this.#unit;
    switch (form) {
      case FORM.strp:
        this.#text = this.#names.atOffset(this.#offset());
        return true;
      case FORM.string: {
        const text = cursor.cstring(NAME_LIMIT);
        if (text !== undefined && this.#names.texts.has(text)) this.#text = text;
        return true;
      }
      case FORM.strx:
      case FORM.gnuStrIndex:
        this.#text = this.#nameAt(cursor.uleb());
        return true;
      case FORM.strx1:
        this.#text = this.#nameAt(cursor.u8());
        return true;
      case FORM.strx2:
        this.#text = this.#nameAt(cursor.u16());
        return true;
      case FORM.strx3:
        this.#text = this.#nameAt(cursor.u24());
        return true;
      case FORM.strx4:
        this.#text = this.#nameAt(cursor.u32());
        return true;
      default:
        return false;
    }
  }

  /** The string of an index. The name of the unit itself may come before what tells where its strings are. */
  #nameAt(index: number): string | undefined {
    const { offsetSize } = this.#unit;
    const base = this.#strOffsetsBase;
    return base === undefined ? undefined : this.#names.atOffsetOf(base + index * offsetSize, offsetSize);
  }

  #skipValue(form: number): void {
    const { cursor, addressSize, offsetSize } = this.#unit;
    const length = VALUE_BYTES[form];
    if (length !== undefined) cursor.skip(length);
    else if (form === FORM.addr) cursor.skip(addressSize);
    else if (OFFSETS.has(form)) cursor.skip(offsetSize);
    else if (INDEXES.has(form)) cursor.uleb();
    else if (form === FORM.block1) this.#readBlock(cursor.u8());
    else if (form === FORM.block2) this.#readBlock(cursor.u16());
    else if (form === FORM.block4) this.#readBlock(cursor.u32());
    else if (form === FORM.block || form === FORM.exprloc) this.#readBlock(cursor.uleb());
    else throw new RangeError(`form 0x${form.toString(16)} is not known`);
  }

  /** Of an expression that adds to an address, what it adds. */
  #readBlock(length: number): void {
    const { cursor } = this.#unit;
    const start = cursor.at;
    cursor.skip(length);
    if (length < 2 || cursor.bytes[start] !== OP_PLUS_UCONST) return;
    cursor.at = start + 1;
    this.#number = cursor.uleb();
    cursor.at = start + length;
  }

  #offset(size = this.#unit.offsetSize as number): number {
    return size === 8 ? this.#unit.cursor.u64() : this.#unit.cursor.u32();
  }
}
