// What summary.json says of a crash.
import type { Vmcore } from 'vmcore';
import type { SavedDump } from './place.ts';

/** What memory says of itself, where that can still be read. */
function orUnknown(read: () => string): string {
  try {
    return read();
  } catch {
    return 'unknown';
  }
}

export function identify(core: Vmcore): { release: string; host: string; crashed: string } {
  return {
    release: orUnknown(() => core.vmcoreinfo.osrelease),
    host: orUnknown(() => core.utsname.nodename),
    crashed: orUnknown(() => new Date((core.vmcoreinfo.crashTime ?? 0) * 1000).toISOString().slice(0, 19)),
  };
}

export function describe({ name, parts, report, error }: SavedDump): object {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const pages = report && {
    ...{ original: report.original, written: report.written, excluded: report.excluded },
    unreadable: report.unreadablePages,
  };
  const { level, compression } = report ?? {};
  return { name, bytes, level, compression, pages, parts, error: error?.message };
}

/** A target as others may see it: a URL can have a user and a password. */
export function withoutPassword(target: string): string {
  return target.replace(/^(\w+:\/\/)[^/@]*@/, '$1');
}
