// Everything that a dump can be written as.
import { join } from 'node:path';
import type { DumpOptions, DumpReport, Vmcore } from '../../lib/index.ts';

export interface OutputKind {
  /** As a heading of a column. */
  readonly name: string;
  /** As an input. */
  readonly form: string;
  readonly options: DumpOptions;
  /** Files of a split set; default 1. */
  readonly members?: number;
}

export const outputKinds: readonly OutputKind[] = [
  { name: 'raw', form: 'kdump-compressed, raw', options: { compression: 'none' } },
  { name: 'zlib', form: 'kdump-compressed, zlib', options: { compression: 'zlib' } },
  { name: 'zstd', form: 'kdump-compressed, zstd', options: { compression: 'zstd' } },
  { name: 'lzo', form: 'kdump-compressed, lzo', options: { compression: 'lzo' } },
  { name: 'snappy', form: 'kdump-compressed, snappy', options: { compression: 'snappy' } },
  {
    name: 'split',
    form: 'kdump-compressed, zlib, split set',
    options: { compression: 'zlib', splitBlockBytes: 64 * 4096 },
    members: 2,
  },
  { name: 'ELF', form: 'ELF64', options: { format: 'elf' } },
  { name: 'flattened', form: 'flattened kdump', options: { compression: 'zlib', flattened: true } },
  { name: 'flattened ELF', form: 'flattened ELF64', options: { format: 'elf', flattened: true } },
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
