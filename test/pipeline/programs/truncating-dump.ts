// Dumps a core that is cut off as soon as its first pages are written, and says how that ended; on any thread.
import { truncateSync } from 'node:fs';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type AccessPolicy, isVmcoreError, openVmcore } from '../../../lib/index.ts';

export interface TruncatingDump {
  readonly core: string;
  readonly access: AccessPolicy;
  /** Bytes that are left of it. */
  readonly size: number;
  readonly dump: string;
  readonly workers?: number;
}

/** The code of the error that ends the dump; `complete` when nothing does. */
export async function truncatingDump({ core, access, size, dump, workers }: TruncatingDump): Promise<string> {
  await using opened = await openVmcore(core, { access, regionBytes: 1 << 20 });
  try {
    await opened.dump(dump, {
      compression: 'none',
      level: 0,
      workers,
      onProgress: ({ phase }) => {
        if (phase === 'write') truncateSync(core, size);
      },
    });
    return 'complete';
  } catch (error) {
    if (isVmcoreError(error)) return error.code;
    throw error;
  }
}

if (!isMainThread) parentPort!.postMessage(await truncatingDump(workerData as TruncatingDump));
