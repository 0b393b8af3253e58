// Everything that a dump can be written as.
import { join } from 'node:path';
import type { DumpOptions, DumpReport, Vmcore } from '../../lib/index.ts';

export interface OutputKind {
  readonly name: string;
  readonly options: DumpOptions;
  /** Files of a split set. */
  readonly members?: number;
}

export const outputKinds: readonly OutputKind[] = [
  { name: 'raw', options: { compression: 'none' } },
  { name: 'zlib', options: { compression: 'zlib' } },
  { name: 'zstd', options: { compression: 'zstd' } },
  { name: 'lzo', options: { compression: 'lzo' } },
  { name: 'snappy', options: { compression: 'snappy' } },
  { name: 'split', options: { compression: 'zlib', splitBlockBytes: 64 * 4096 }, members: 2 },
  { name: 'ELF', options: { format: 'elf' } },
  { name: 'flattened', options: { compression: 'zlib', flattened: true } },
  { name: 'flattened ELF', options: { format: 'elf', flattened: true } },
];

/** Writes a dump into `folder`, over the one before. */
export async function writeOutput(
  core: Vmcore,
  { options, members = 1 }: OutputKind,
  folder: string,
  more: DumpOptions,
): Promise<{ files: string[]; report: DumpReport }> {
  const files = Array.from({ length: members }, (_, i) => join(folder, `dump${i}`));
  const target = members > 1 ? files : files[0]!;
  const report = await core.dump(target, { ...options, ...more, workers: 0, force: true });
  return { files, report };
}
