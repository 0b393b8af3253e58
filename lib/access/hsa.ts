import { readFileSync } from 'node:fs';

/** How the machine was booted: `fcp_dump`, `nvme_dump` and `eckd_dump` for dumps by firmware (arch/s390/kernel/ipl.c). */
const IPL_TYPE = 'sys/firmware/ipl/ipl_type';
/**
 * Bytes of the save area, in hexadecimal; 0 once it was released (drivers/s390/char/zcore.c). A map leaves it out even
 * then, and reads of it fail.
 */
const HSA_SIZE = 'sys/kernel/debug/zcore/hsa';
/** The save area of the machines since z14, the largest, for where nothing tells its size. In bytes. */
const LARGEST_HSA = 512 << 20;

/**
 * Bytes of memory, from 0 on, that this machine keeps in its hardware's save area because it dumps by firmware; 0 on
 * all others. `root` is where sysfs is found from.
 */
export function hsaBytes(root = '/'): number {
  if (!/^[a-z]+_dump$/.test(readText(`${root}${IPL_TYPE}`) ?? '')) return 0;
  const digits = readText(`${root}${HSA_SIZE}`);
  const bytes = digits !== undefined && /^[0-9a-f]{1,12}$/.test(digits) ? Number.parseInt(digits, 16) : 0;
  return bytes || LARGEST_HSA;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}
