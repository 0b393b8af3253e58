import { copiedBelow } from '../access/copied-ranges.ts';
import { hsaBytes } from '../access/hsa.ts';
import { addBorders, mapBorders } from '../access/map-borders.ts';
import { type AccessOptions, type AccessProfile, accessProfile } from '../access/profile.ts';
import type { OpenedCore } from '../formats/core-file.ts';
import { EM_S390 } from '../formats/machine.ts';

/** How the source of a core is reached, at each of the scales of a memory budget. */
export function coreProfiles(
  { source, extents, segments, machine }: OpenedCore,
  options: AccessOptions,
): (scale: number) => AccessProfile {
  // Only firmware leaves memory in a hardware save area, and only in the /proc/vmcore of an s390x machine.
  const mayBeFirmwares = source.mapping === 'eager' && machine === EM_S390;
  const copied = copiedBelow(extents, options.hsaBytes ?? (mayBeFirmwares ? hsaBytes() : 0));
  const borders = addBorders(mapBorders(source, segments), copied);
  return (scale) => accessProfile(source, options, borders, copied, scale);
}
