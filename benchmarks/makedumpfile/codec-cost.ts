import { codec } from '../../lib/codecs/registry.ts';
import { type CodecName, openVmcore } from '../../lib/index.ts';

/** Kept pages that are compressed, spread over the core. */
const SAMPLES = 2000;

/** Microseconds that one of our codecs takes for a page of the core, on this thread: what no dump with it can undercut. */
export async function codecMicroseconds(path: string, name: CodecName): Promise<number> {
  await using core = await openVmcore(path);
  const { bitmap, kept } = await core.classify({ level: 31 });
  const pages: Uint8Array[] = [];
  const step = Math.max(1, Math.floor(kept / SAMPLES));
  let index = 0;
  for (const [first, count] of bitmap.runs()) {
    for (let i = 0; i < count; i++, index++) {
      if (index % step !== 0) continue;
      const page = core.readPhysical((first + i) * core.pageSize, core.pageSize);
      if (page.some((byte) => byte !== 0)) pages.push(page);
    }
  }
  const pageCodec = codec(name);
  const into = new Uint8Array(2 * core.pageSize);
  const compressAll = () => {
    const started = performance.now();
    for (const page of pages) pageCodec.compress(page, into);
    return ((performance.now() - started) * 1000) / pages.length;
  };
  compressAll();
  return compressAll();
}
