import { isLostData } from '../errors.ts';
import type { ReadEntry } from './arch.ts';

/** lowcore.os_info: the physical address of struct os_info (arch/s390/include/asm/lowcore.h). */
const LOWCORE_OS_INFO = 0xe18;
/** struct os_info (arch/s390/include/asm/os_info.h): a page that begins with the bytes `OSINFOSZ`. */
const OS_INFO_BYTES = 4096;
const OS_INFO_MAGIC = 0x4f53494e464f535an;
/** Magic and checksum; the checksum is over what follows. */
const OS_INFO_SUMMED = 12;
/** Its entries: an address or value, a size and a checksum, packed. */
const OS_INFO_ENTRIES = 32;
const OS_INFO_ENTRY_BYTES = 20;

/** Which entry has what (arch/s390/include/asm/os_info.h), as kernels since 6.10 fill them. */
export const OS_INFO = {
  identityBase: 4,
  kaslrOffset: 5,
  kaslrOffsetPhys: 6,
  amode31Start: 8,
  amode31End: 9,
  imageStart: 10, // _stext
  imageEnd: 11, // _end
} as const;

/** The value of one of its entries. */
export type OsInfo = (entry: number) => bigint;

/** What the kernel left for dumpers. Undefined where the lowcore points to none, it is damaged, or not in the core. */
export function findOsInfo(readEntry: ReadEntry): OsInfo | undefined {
  try {
    const address = Number(readEntry(LOWCORE_OS_INFO));
    if (address === 0 || address % OS_INFO_BYTES !== 0 || readEntry(address) !== OS_INFO_MAGIC)
      return undefined;
    if (osInfoSum(address, readEntry) !== Number(readEntry(address + 8) >> 32n)) return undefined;
    return (entry) => readEntry(address + OS_INFO_ENTRIES + entry * OS_INFO_ENTRY_BYTES);
  } catch (error) {
    if (isLostData(error)) return undefined;
    throw error;
  }
}

/** The sum of the 32-bit words behind the checksum, carries added in (arch/s390/lib/csum-partial.c). */
function osInfoSum(address: number, readEntry: ReadEntry): number {
  let sum = 0;
  for (let at = OS_INFO_SUMMED; at < OS_INFO_BYTES; at += 4) {
    sum += Number(readEntry(address + at - 4) & 0xffffffffn);
  }
  while (sum >= 2 ** 32) sum = (sum % 2 ** 32) + Math.floor(sum / 2 ** 32);
  return sum;
}
