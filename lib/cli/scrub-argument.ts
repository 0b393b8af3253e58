import type { ScrubTarget } from '../index.ts';
import { UsageError } from './args.ts';

/** The value of --scrub. @throws UsageError. */
export function scrubTarget(text: string): ScrubTarget {
  const [, physical, what, size, zeros] =
    /^(phys:)?([^:]+)(?::(?!nullify$)([^:]+))?(:nullify)?$/.exec(text) ?? [];
  if (what === undefined) throw wrong(text);
  const nullify = zeros !== undefined;
  const isAddress = /^0x[0-9a-f]+$/i.test(what);
  if (!isAddress && physical === undefined)
    return { ...symbol(what, text), size: size === undefined ? undefined : bytes(size, text), nullify };
  if (!isAddress || !size) throw wrong(text);
  const range = { size: bytes(size, text), nullify };
  return physical ? { paddr: Number(what), ...range } : { vaddr: BigInt(what), ...range };
}

function symbol(what: string, text: string) {
  const [, name, offset] = /^([^+]+)(?:\+(.+))?$/.exec(what) ?? [];
  if (name === undefined) throw wrong(text);
  return { symbol: name, offset: offset === undefined ? 0 : bytes(offset, text) };
}

/** Decimal or hexadecimal, or in K or M. */
function bytes(number: string, text: string): number {
  const [, digits, unit] = /^(0x[0-9a-f]+|\d+)([KM]?)$/i.exec(number) ?? [];
  if (digits === undefined) throw wrong(text);
  return Number(digits) * 1024 ** ' KM'.indexOf(unit?.toUpperCase() || ' ');
}

function wrong(text: string): UsageError {
  return new UsageError(
    `--scrub is SYMBOL[+OFFSET][:SIZE], 0xVADDR:SIZE or phys:0xPADDR:SIZE, not '${text}'`,
  );
}
