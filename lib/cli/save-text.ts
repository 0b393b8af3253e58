import { fstatSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { FileSink } from '../output/file-sink.ts';

const STDOUT = 1;

/**
 * Writes a new file, or replaces one with `force`: readable by its owner only, as all that comes out of a core. With
 * `force` the text also goes to what is no file.
 * @throws what FileSink throws.
 */
export async function saveText(file: string, text: string, force: boolean): Promise<void> {
  if (force && isStream(file)) return writeFile(file, text);
  const sink = await FileSink.create(file, { force });
  try {
    await sink.finish(0, Buffer.from(text));
  } catch (error) {
    await sink.abort('remove').catch(() => {});
    throw error;
  }
}

/** A device, a pipe, or standard output by its name: a link to whatever the shell opened. */
function isStream(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return false;
  const { dev, ino } = fstatSync(STDOUT);
  return found.isCharacterDevice() || found.isFIFO() || (found.dev === dev && found.ino === ino);
}
