import type { AddressWalk } from '../index.ts';

/** As makedumpfile prints an address that leads nowhere. */
const NOWHERE = 'ffffffffffffffff';

/** A walk in the lines of `makedumpfile --vtop`; with `flags`, the names of the bits that are set behind each entry. */
export function formatWalk({ vaddr, steps, paddr }: AddressWalk, options: { flags?: boolean } = {}): string {
  const entries = steps.map(({ level, entryAddress, entry, flags }) => {
    const names = options.flags && flags.length > 0 ? `  ${flags.join('|')}` : '';
    return `  ${level.padEnd(4)}: ${hex(entryAddress).padStart(16)} => ${hex(entry).padStart(16)}${names}\n`;
  });
  const physical = paddr === undefined ? NOWHERE : hex(paddr);
  return `Translating virtual address ${hex(vaddr)} to physical address.
${entries.join('')}VIRTUAL           PHYSICAL
${hex(vaddr).padStart(16)}  ${physical}
`;
}

/** An address of 16 hexadecimal digits, or of some behind 0x; undefined for what is none. */
export function parseAddress(text: string): bigint | undefined {
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return BigInt(text);
  return /^[0-9a-f]{16}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

function hex(value: bigint | number): string {
  return value.toString(16);
}
