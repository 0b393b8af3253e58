/** A range of physical memory, in bytes. */
export interface MemoryRange {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** Names of resources (kernel/resource.c walk_system_ram_res(); kernel/crash_core.c crashk_res, crashk_low_res). */
const RAM = 'System RAM';
const CRASH_KERNEL = /^Crash kernel/;

/**
 * The memory that a running kernel uses, by the text of its /proc/iomem: System RAM without what is reserved for capture
 * kernels. Empty where addresses are hidden, as they are from all but root.
 */
export function usedMemory(iomem: string): MemoryRange[] {
  const lines = [...iomem.matchAll(/^( *)([0-9a-f]+)-([0-9a-f]+) : (.*)$/gm)].map(
    ([, indent, from, to, name]) => ({
      isTop: indent === '',
      name: name!,
      range: { start: Number.parseInt(from!, 16), end: Number.parseInt(to!, 16) + 1 },
    }),
  );
  const ram = lines.filter(({ isTop, name, range }) => isTop && name === RAM && range.end > 1);
  const reserved = lines.filter(({ name }) => CRASH_KERNEL.test(name));
  return reserved.reduce(
    (rest, { range }) => withoutRange(rest, range),
    ram.map(({ range }) => range),
  );
}

/** What is left of ranges. */
export function withoutRange(ranges: readonly MemoryRange[], hole: MemoryRange): MemoryRange[] {
  return ranges.flatMap(({ start, end }) =>
    [
      { start, end: Math.min(end, hole.start) },
      { start: Math.max(start, hole.end), end },
    ].filter((part) => part.start < part.end),
  );
}
