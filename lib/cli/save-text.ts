import { writeFile } from 'node:fs/promises';
import { VmcoreError } from '../index.ts';

/** Writes a new file, or replaces one: readable by its owner only, as all that comes out of a core. @throws VmcoreError ERR_VMCORE_EXISTS. */
export async function saveText(file: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    if (exists) throw new VmcoreError('ERR_VMCORE_EXISTS', `${file}: exists already`, { file, cause });
    throw cause;
  }
}
