/** Samples in one function. */
export interface SymbolSamples {
  /** Where it runs; `unknown` when the profiler can't tell. */
  readonly where: 'user' | 'kernel' | 'unknown';
  /** The library, program or file that it belongs to. */
  readonly object: string;
  readonly symbol: string;
  readonly samples: number;
}

/** Reads `perf report --stdio -F sample,dso,sym -t '|'`. */
export function parsePerfReport(text: string): SymbolSamples[] {
  const lines = text.matchAll(/^\s*(\d+)\s*\|\s*([^|]*?)\s*\|\s*\[(.)\]\s+(.+?)\s*$/gm);
  return merge(
    Array.from(lines, ([, samples, object, mode, symbol]) => ({
      where: mode === 'k' ? ('kernel' as const) : ('user' as const),
      ...(javascript(symbol!) ?? { object: mode === 'k' ? 'kernel' : object!, symbol: symbol! }),
      samples: Number(samples),
    })),
  );
}

/** A function that V8 compiled, as it names it for perf: 'JS:*name file:///path:line:column'. */
function javascript(symbol: string): { object: string; symbol: string } | undefined {
  const [, name, url] = /^JS:[*+^~]?(\S*) (\S+?):\d+:\d+$/.exec(symbol) ?? [];
  return url === undefined ? undefined : { object: fileOf(url), symbol: name || '(anonymous)' };
}

/** The end of a URL that tells which file it is: what follows dist/. */
function fileOf(url: string): string {
  return url.replace(/^.*\/dist\//, '').replace(/^.*\/node_modules\//, '');
}

/** What this needs of a .cpuprofile (Chrome DevTools Protocol, Profiler.Profile). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly hitCount?: number;
  }[];
}

/** Sums the samples of `node --cpu-prof` up by function; idle time is left out. */
export function summarise(profile: CpuProfile): SymbolSamples[] {
  const busy = profile.nodes.filter(({ callFrame }) => callFrame.functionName !== '(idle)');
  return merge(
    busy.map(({ callFrame: { functionName, url }, hitCount = 0 }) => ({
      where: 'unknown',
      object: url === '' ? 'node' : fileOf(url),
      symbol: functionName || '(anonymous)',
      samples: hitCount,
    })),
  );
}

/** One entry for each function, the one with the most samples first: tiers of a compiler are the same function. */
function merge(entries: readonly SymbolSamples[]): SymbolSamples[] {
  const merged = new Map<string, SymbolSamples>();
  for (const entry of entries) {
    const key = `${entry.where} ${entry.object} ${entry.symbol}`;
    const samples = entry.samples + (merged.get(key)?.samples ?? 0);
    if (samples > 0) merged.set(key, { ...entry, samples });
  }
  return [...merged.values()].sort((a, b) => b.samples - a.samples);
}
