import { hex, isLostData, VmcoreError } from '../errors.ts';
import type { AddressSpace, ReadEntry, Translation, WalkStep } from './arch.ts';

/** A table that an entry leads to. */
export interface TableMeaning {
  readonly kind: 'table';
  readonly paddr: number;
  /** The indexes that the table has, where it need not have all: the first, and the one behind the last. */
  readonly indexes?: readonly [start: number, end: number];
}

/** What an entry means at its level. */
export type EntryMeaning =
  | TableMeaning
  | { readonly kind: 'leaf'; readonly paddr: number }
  | { readonly kind: 'none'; readonly why: string };

/** One level of page tables. */
export interface PageTableLevel {
  /** The architecture's name of it, such as `PMD`. */
  readonly name: string;
  /** The address bits below its index: a leaf entry here maps 2^shift bytes. */
  readonly shift: number;
  /** Number of address bits in its index. */
  readonly bits: number;
  /** Bits of an entry that are no part of an address, and what they are called. */
  readonly flags: readonly (readonly [bit: bigint, name: string])[];
  /** `index` is the entry's place in its table. */
  meaning(entry: bigint, index: number): EntryMeaning;
}

/** An architecture's page tables as data, the top level first. */
export interface PageTableScheme {
  readonly levels: readonly PageTableLevel[];
  /** Why an address can't be mapped by these tables at all, or undefined. */
  refuse(vaddr: bigint): string | undefined;
}

/** Bytes of one entry on every architecture here. */
const ENTRY_BYTES = 8;
/** Slots of the table of resolved leaves; a power of two. */
const LEAF_SLOTS = 256;

/**
 * The one walker for all architectures. It remembers the last-level table or large leaf that each of a few recently
 * used ranges resolved to, so that neighbouring addresses cost one entry or none.
 */
export class PageTables implements AddressSpace {
  readonly #scheme: PageTableScheme;
  readonly #root: TableMeaning;
  readonly #readEntry: ReadEntry;
  /** Direct-mapped by the address bits above `#shift`. */
  readonly #known: (
    | { readonly key: bigint; readonly meaning: EntryMeaning; readonly depth: number }
    | undefined
  )[];
  readonly #shift: bigint;

  /** `root` is the physical address of the top table. */
  constructor(scheme: PageTableScheme, root: number, readEntry: ReadEntry) {
    this.#scheme = scheme;
    this.#root = { kind: 'table', paddr: root };
    this.#readEntry = readEntry;
    this.#known = new Array(LEAF_SLOTS).fill(undefined);
    this.#shift = BigInt(scheme.levels.at(-2)!.shift);
  }

  translate(vaddr: bigint): Translation {
    const key = vaddr >> this.#shift;
    const slot = Number(key & BigInt(LEAF_SLOTS - 1));
    const known = this.#known[slot];
    if (known?.key === key) return this.#finish(vaddr, known.meaning, known.depth);
    this.#refuse(vaddr);
    let table = this.#root;
    const last = this.#scheme.levels.length - 1;
    for (let depth = 0; ; depth++) {
      const meaning = this.#step(vaddr, table, depth);
      if (depth === last - 1 || meaning.kind === 'leaf') {
        this.#known[slot] = { key, meaning, depth };
        return this.#finish(vaddr, meaning, depth);
      }
      if (meaning.kind === 'none') throw this.#unmapped(vaddr, depth, meaning.why);
      table = meaning;
    }
  }

  *walk(vaddr: bigint): Generator<WalkStep> {
    this.#refuse(vaddr);
    let table = this.#root;
    for (const level of this.#scheme.levels) {
      const index = indexOf(vaddr, level);
      if (!hasIndex(table, index)) return;
      const entryAddress = table.paddr + index * ENTRY_BYTES;
      const entry = this.#entry(vaddr, entryAddress, level, index);
      const meaning = level.meaning(entry, index);
      yield walkStep(level, { index, entryAddress, entry }, meaning);
      if (meaning.kind !== 'table') return;
      table = meaning;
    }
  }

  /** What is left once the entry above the last level is known. */
  #finish(vaddr: bigint, meaning: EntryMeaning, depth: number): Translation {
    if (meaning.kind === 'none') throw this.#unmapped(vaddr, depth, meaning.why);
    if (meaning.kind === 'leaf')
      return leafTranslation(vaddr, meaning.paddr, this.#scheme.levels[depth]!.shift);
    const last = this.#step(vaddr, meaning, depth + 1);
    if (last.kind !== 'leaf') {
      throw this.#unmapped(
        vaddr,
        depth + 1,
        last.kind === 'none' ? last.why : 'a table below the last level',
      );
    }
    return leafTranslation(vaddr, last.paddr, this.#scheme.levels[depth + 1]!.shift);
  }

  #step(vaddr: bigint, table: TableMeaning, depth: number): EntryMeaning {
    const level = this.#scheme.levels[depth]!;
    const index = indexOf(vaddr, level);
    if (!hasIndex(table, index)) return { kind: 'none', why: beyondTable(table) };
    return level.meaning(this.#entry(vaddr, table.paddr + index * ENTRY_BYTES, level, index), index);
  }

  #entry(vaddr: bigint, paddr: number, level: PageTableLevel, index: number): bigint {
    try {
      return this.#readEntry(paddr);
    } catch (cause) {
      if (!isLostData(cause)) throw cause;
      throw new VmcoreError(
        'ERR_VMCORE_NOT_PRESENT',
        `${hex(vaddr)}: the ${level.name} table entry ${index} at physical address ${hex(paddr)} is not in the core`,
        { address: paddr, cause },
      );
    }
  }

  #unmapped(vaddr: bigint, depth: number, why: string): VmcoreError {
    const level = this.#scheme.levels[depth]!;
    return new VmcoreError(
      'ERR_VMCORE_UNMAPPED',
      `${hex(vaddr)} is not mapped: ${level.name} entry ${indexOf(vaddr, level)} is ${why}`,
      { address: vaddr },
    );
  }

  #refuse(vaddr: bigint): void {
    const why = this.#scheme.refuse(vaddr);
    if (why)
      throw new VmcoreError('ERR_VMCORE_UNMAPPED', `${hex(vaddr)} is not mapped: ${why}`, { address: vaddr });
  }
}

function indexOf(vaddr: bigint, level: PageTableLevel): number {
  return Number((vaddr >> BigInt(level.shift)) & ((1n << BigInt(level.bits)) - 1n));
}

function walkStep(
  { name, shift, flags }: PageTableLevel,
  read: Pick<WalkStep, 'index' | 'entryAddress' | 'entry'>,
  meaning: EntryMeaning,
): WalkStep {
  const isThere = meaning.kind !== 'none';
  return {
    level: name,
    ...read,
    kind: meaning.kind,
    target: isThere ? meaning.paddr : undefined,
    bytes: 2 ** shift,
    // What is not there has other uses for its bits, such as a place in swap.
    flags: isThere ? flags.filter(([bit]) => (read.entry & bit) !== 0n).map(([, flag]) => flag) : [],
  };
}

function hasIndex({ indexes }: TableMeaning, index: number): boolean {
  return indexes === undefined || (index >= indexes[0] && index < indexes[1]);
}

function beyondTable({ paddr, indexes }: TableMeaning): string {
  const [start, end] = indexes!;
  const has = start < end ? `entries ${start} to ${end - 1} only` : 'no entries';
  return `not in the table at physical address ${hex(paddr)}, which has ${has}`;
}

function leafTranslation(vaddr: bigint, paddr: number, shift: number): Translation {
  const offset = Number(vaddr & ((1n << BigInt(shift)) - 1n));
  return { paddr: paddr + offset, contiguous: 2 ** shift - offset };
}
