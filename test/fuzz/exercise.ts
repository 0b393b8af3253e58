import { isVmcoreError, openVmcore, type Vmcore } from '../../lib/index.ts';

type Source = Parameters<typeof openVmcore>[0];

/** Refused with a code, or not at all; whatever else is thrown is a bug. */
export async function coded<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isVmcoreError(error)) throw error;
    return undefined;
  }
}

/** Opens a core in each way, and does with it what people do. */
export async function exerciseCore(source: Source, vmcoreinfo?: string): Promise<void> {
  const given = vmcoreinfo === undefined ? {} : { vmcoreinfo };
  const ways = [given, { ...given, excluded: 'zeros', allowTruncated: true }] as const;
  for (const way of ways) {
    const core = await coded(() => openVmcore(source, way));
    if (!core) continue;
    try {
      await useCore(core);
    } finally {
      await core.close();
    }
  }
}

async function useCore(core: Vmcore): Promise<void> {
  for (const pfn of [0, 1, 2, 3, 4, 5, 8, 16, 100, core.maxPfn - 1]) {
    if (pfn < 0) continue;
    await coded(() => core.readPhysical(pfn * core.pageSize, core.pageSize));
    await coded(() => core.withWindow(pfn * core.pageSize, 100, (bytes) => bytes[99]));
    await coded(() => core.explain(pfn));
  }
  for (const { vaddr } of core.segments.slice(0, 4)) await coded(() => core.readVirtual(vaddr, 16));
  await coded(() => core.utsname);
  await coded(() => core.eraseinfo);
  await coded(() => core.dmesg());
  await coded(() => core.classify({ level: 0 }));
  await coded(() => core.classify({ level: 31 }));
  await coded(() => core.diff(core, { ranges: 10 }));
  for (const format of ['kdump', 'elf'] as const) {
    await coded(() => core.dump('/dev/null', { level: 1, compression: 'none', format, dryRun: true }));
  }
}
