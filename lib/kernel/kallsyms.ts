import { VmcoreError } from '../errors.ts';
import type { VirtualMemory } from '../memory/virtual.ts';
import { Turns } from '../turns.ts';
import type { Vmcoreinfo } from './vmcoreinfo.ts';

/** A symbol of the dead kernel. */
export interface KernelSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Bytes to the next symbol: what it names, and padding. Undefined where the kernel does not tell. */
  readonly size: number | undefined;
}

/** What is read of the kernel's symbol table. */
type SymbolMemory = Pick<VirtualMemory, 'read' | 'u32' | 'u64' | 'littleEndian'>;

/** Kernels have a few hundred thousand. */
const SYMBOLS_LIMIT = 1 << 22;
/** KSYM_NAME_LEN is 512 (include/linux/kallsyms.h), and a token stands for one character at least. */
const NAME_LIMIT = 512;
/** A byte is a token; the longest table that a token's 16-bit index reaches. */
const TOKENS = 256;
const TOKEN_TABLE_BYTES = 65536;
/** The next symbol that lies further away begins another range, such as that of modules. */
const SIZE_LIMIT = 1n << 30n;
/** Nothing is read across a page: the last one of a table may be the last one there is. In bytes. */
const PAGE_BYTES = 4096;

/**
 * All symbols with one of `names`: static ones may share a name. From the table that the kernel has for itself, where
 * VMCOREINFO tells where it is (6.0 and later); else those that VMCOREINFO has, without sizes.
 * @throws VmcoreError ERR_VMCORE_CORRUPT, what reading memory throws; the signal's reason.
 */
export async function findSymbols(
  memory: SymbolMemory,
  info: Vmcoreinfo,
  names: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<KernelSymbol[]> {
  const table = tableOf(info);
  const found = table ? await new SymbolTable(memory, table).find(names, signal) : [];
  const others = [...names].filter((name) => !found.some((symbol) => symbol.name === name));
  const exported = others.flatMap((name) => {
    const address = info.symbol(name);
    return address === undefined ? [] : [{ name, address, size: undefined }];
  });
  return [...found, ...exported];
}

/** Virtual addresses of the tables (kernel/kallsyms_internal.h). */
interface TableAddresses {
  readonly names: bigint;
  readonly count: bigint;
  readonly tokens: bigint;
  readonly tokenIndex: bigint;
  readonly offsets: bigint;
  /** Undefined where offsets are relative to where they lie. */
  readonly base: bigint | undefined;
  /** Of _stext, which tells what offsets mean. */
  readonly text: bigint;
}

function tableOf(info: Vmcoreinfo): TableAddresses | undefined {
  const names = info.symbol('kallsyms_names');
  const count = info.symbol('kallsyms_num_syms');
  const tokens = info.symbol('kallsyms_token_table');
  const tokenIndex = info.symbol('kallsyms_token_index');
  const offsets = info.symbol('kallsyms_offsets');
  const text = info.symbol('_stext');
  if (!names || !count || !tokens || !tokenIndex || !offsets || !text) return undefined;
  return { names, count, tokens, tokenIndex, offsets, base: info.symbol('kallsyms_relative_base'), text };
}

/** The address of a symbol by its place in the table. */
type AddressOf = (index: number) => bigint;

class SymbolTable {
  readonly #memory: SymbolMemory;
  readonly #table: TableAddresses;
  readonly #count: number;
  readonly #tokens: readonly string[];

  constructor(memory: SymbolMemory, table: TableAddresses) {
    this.#memory = memory;
    this.#table = table;
    this.#count = memory.u32(table.count);
    if (this.#count > SYMBOLS_LIMIT) throw corrupt(`has ${this.#count} symbols`);
    this.#tokens = this.#readTokens();
  }

  async find(names: ReadonlySet<string>, signal: AbortSignal | undefined): Promise<KernelSymbol[]> {
    const places: { name: string; index: number }[] = [];
    let text = -1;
    const turns = new Turns(signal);
    const bytes = new ByteStream(this.#memory, this.#table.names);
    for (let index = 0; index < this.#count; index++) {
      const name = this.#readName(bytes);
      if (names.has(name)) places.push({ name, index });
      if (name === '_stext') text = index;
      if (index % 1024 !== 0 || !turns.due) continue;
      await turns.give();
    }
    const addressOf = this.#addresses(text);
    return places.map(({ name, index }) => ({
      name,
      address: addressOf(index),
      size: this.#sizeOf(index, addressOf),
    }));
  }

  /** The first character of the first token is the symbol's type, as in System.map. */
  #readName(bytes: ByteStream): string {
    // Two bytes where one does not hold the length (6.1 and later).
    const low = bytes.next();
    const length = low < 0x80 ? low : (low & 0x7f) | (bytes.next() << 7);
    if (length > NAME_LIMIT) throw corrupt(`has a name of ${length} tokens`);
    let name = '';
    for (let i = 0; i < length; i++) name += this.#tokens[bytes.next()];
    return name.slice(1);
  }

  #readTokens(): string[] {
    const { tokens, tokenIndex } = this.#table;
    const memory = this.#memory;
    const indexes = memory.read(tokenIndex, new Uint8Array(TOKENS * 2));
    const view = new DataView(indexes.buffer);
    const starts = Array.from({ length: TOKENS }, (_, i) => view.getUint16(2 * i, memory.littleEndian));
    const bytes = new ByteStream(memory, tokens);
    const table: number[] = [];
    const end = Math.max(...starts);
    while (table.length <= end || table.at(-1) !== 0) {
      if (table.length > TOKEN_TABLE_BYTES + NAME_LIMIT) throw corrupt('has a token without an end');
      table.push(bytes.next());
    }
    const text = Buffer.from(table);
    return starts.map((start) => text.toString('latin1', start, text.indexOf(0, start)));
  }

  /**
   * What an offset means depends on the configuration and has changed twice, but only one meaning gives _stext the
   * address that VMCOREINFO has (scripts/kallsyms.c; kallsyms_sym_address() in kernel/kallsyms.c).
   */
  #addresses(text: number): AddressOf {
    const { base: baseAt, offsets } = this.#table;
    const offsetOf = (index: number) => BigInt(this.#memory.u32(offsets + BigInt(4 * index)));
    const base = baseAt === undefined ? 0n : this.#memory.u64(baseAt);
    const signed = (index: number) => BigInt.asIntN(32, offsetOf(index));
    const meanings: AddressOf[] = [
      // CONFIG_KALLSYMS_ABSOLUTE_PERCPU: per-CPU offsets are not negative and stand for themselves.
      (index) => (signed(index) >= 0n ? signed(index) : base - 1n - signed(index)),
      (index) => base + offsetOf(index),
      (index) => offsets + BigInt(4 * index) + signed(index),
    ];
    const right =
      text < 0 ? undefined : meanings.find((addressOf) => wrap(addressOf(text)) === this.#table.text);
    if (!right) throw corrupt('does not have _stext where VMCOREINFO has it');
    return (index) => wrap(right(index));
  }

  /** Symbols lie in the order of their addresses; several may have the same. */
  #sizeOf(index: number, addressOf: AddressOf): number | undefined {
    const address = addressOf(index);
    for (let next = index + 1; next < this.#count; next++) {
      const distance = addressOf(next) - address;
      if (distance !== 0n) return distance > 0n && distance < SIZE_LIMIT ? Number(distance) : undefined;
    }
    return undefined;
  }
}

/** Bytes of memory one after the other. */
class ByteStream {
  readonly #memory: SymbolMemory;
  #address: bigint;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(memory: SymbolMemory, address: bigint) {
    this.#memory = memory;
    this.#address = address;
  }

  next(): number {
    if (this.#at === this.#bytes.length) {
      const length = PAGE_BYTES - Number(this.#address % BigInt(PAGE_BYTES));
      this.#bytes = this.#memory.read(this.#address, new Uint8Array(length));
      this.#address += BigInt(length);
      this.#at = 0;
    }
    return this.#bytes[this.#at++]!;
  }
}

function wrap(address: bigint): bigint {
  return BigInt.asUintN(64, address);
}

function corrupt(what: string): VmcoreError {
  return new VmcoreError('ERR_VMCORE_CORRUPT', `the kernel's symbol table ${what}`);
}
