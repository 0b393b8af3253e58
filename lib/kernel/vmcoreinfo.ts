import { VmcoreError } from '../errors.ts';
import { isPageSize } from '../formats/machine.ts';

/** A NUMBER is a signed or an unsigned long. */
const NUMBER_MIN = -(1n << 63n);
const NUMBER_END = 1n << 64n;

/**
 * VMCOREINFO: what the dead kernel exported for dump tools, as typed look-ups over its `KEY=VALUE` lines
 * (kernel/vmcore_info.c; Documentation/admin-guide/kdump/vmcoreinfo.rst). The first line of a key counts.
 */
export class Vmcoreinfo {
  /** The note's payload, as text. */
  readonly text: string;
  /** `OSRELEASE`: the release, as `uname -r` prints it. */
  readonly osrelease: string;
  /** `PAGESIZE`, in bytes. */
  readonly pageSize: number;
  readonly #values = new Map<string, string>();

  /** @throws VmcoreError ERR_VMCORE_CORRUPT when OSRELEASE or PAGESIZE is missing or no sensible value. */
  constructor(text: string) {
    this.text = text;
    for (const line of text.split('\n')) {
      const equals = line.indexOf('=');
      if (equals <= 0) continue;
      const key = line.slice(0, equals);
      if (!this.#values.has(key)) this.#values.set(key, line.slice(equals + 1).trim());
    }
    this.osrelease = this.#mandatory('OSRELEASE');
    this.pageSize = parsePageSize(this.#mandatory('PAGESIZE'));
  }

  /** The value of a whole key such as `CRASHTIME` or `CONFIG_X86_PAE`, as written. */
  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  /** All keys with their values, in the order of the text. */
  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  /** `BUILD-ID` of the kernel, in hexadecimal (5.9+). */
  get buildId(): string | undefined {
    return this.get('BUILD-ID');
  }

  /** `CRASHTIME`, in seconds since the epoch. */
  get crashTime(): number | undefined {
    const value = this.#integer('CRASHTIME', 10);
    return value === undefined ? undefined : this.#narrow('CRASHTIME', value);
  }

  /** `SYMBOL(name)`: a virtual address, KASLR included. A symbol of value 0 does not exist. */
  symbol(name: string): bigint | undefined {
    return this.#integer(`SYMBOL(${name})`, 16) || undefined;
  }

  /** `SIZE(name)`, in bytes. */
  size(name: string): number | undefined {
    return this.#count(`SIZE(${name})`);
  }

  /** `OFFSET(type.member)`, in bytes. */
  offset(name: string): number | undefined {
    return this.#count(`OFFSET(${name})`);
  }

  /** `LENGTH(name)`, in elements. */
  length(name: string): number | undefined {
    return this.#count(`LENGTH(${name})`);
  }

  /** `NUMBER(name)`: signed. Use {@link bignum} where 53 bits do not hold it. */
  number(name: string): number | undefined {
    const key = `NUMBER(${name})`;
    const value = this.#integer(key, 10);
    return value === undefined ? undefined : this.#narrow(key, value);
  }

  /** `NUMBER(name)` as a bigint. */
  bignum(name: string): bigint | undefined {
    return this.#integer(`NUMBER(${name})`, 10);
  }

  /** A key whose value is hexadecimal without `0x`, such as `KERNELOFFSET`. */
  address(key: string): bigint | undefined {
    return this.#integer(key, 16);
  }

  #mandatory(key: string): string {
    const value = this.#values.get(key);
    if (!value) throw corrupt(key, 'is missing');
    return value;
  }

  #count(key: string): number | undefined {
    const value = this.#integer(key, 10);
    if (value === undefined) return undefined;
    if (value < 0n) throw corrupt(key, `is negative (${value})`);
    return this.#narrow(key, value);
  }

  #narrow(key: string, value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw corrupt(key, `does not fit 53 bits (${value})`);
    return number;
  }

  /** Decimal values are retried as hexadecimal: some NUMBERs are printed as 0x... (makedumpfile does the same). */
  #integer(key: string, base: 10 | 16): bigint | undefined {
    const text = this.#values.get(key);
    if (text === undefined) return undefined;
    if (base === 10 && /^-?[0-9]{1,20}$/.test(text)) {
      const value = BigInt(text);
      if (value >= NUMBER_MIN && value < NUMBER_END) return value;
    }
    const digits = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(text)?.[1];
    if (digits === undefined) throw corrupt(key, `is no number ('${text.slice(0, 40)}')`);
    return BigInt(`0x${digits}`);
  }
}

/**
 * VMCOREINFO from the descriptor of its note, or why there is none that can be used: ERR_VMCORE_NO_VMCOREINFO. `file`
 * names the core in the message.
 */
export function readVmcoreinfo(desc: Uint8Array | undefined, file: string): Vmcoreinfo | VmcoreError {
  if (!desc) {
    const message = `${file}: the core has no VMCOREINFO note, so what its kernel looked like is not known`;
    return new VmcoreError('ERR_VMCORE_NO_VMCOREINFO', message, { file });
  }
  try {
    return new Vmcoreinfo(new TextDecoder().decode(desc));
  } catch (cause) {
    if (!(cause instanceof VmcoreError)) throw cause;
    const message = `${file}: the VMCOREINFO note can't be used: ${cause.message}`;
    return new VmcoreError('ERR_VMCORE_NO_VMCOREINFO', message, { file, cause });
  }
}

function corrupt(key: string, what: string): VmcoreError {
  return new VmcoreError('ERR_VMCORE_CORRUPT', `VMCOREINFO: ${key} ${what}`);
}

function parsePageSize(text: string): number {
  const size = Number(text);
  if (isPageSize(size)) return size;
  throw corrupt('PAGESIZE', `is no page size ('${text.slice(0, 40)}')`);
}
