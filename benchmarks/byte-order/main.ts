// What the scan of struct pages costs in the byte order of this machine, and in the other one: the same pages in both.
import { describeMachine } from '../../lib/bench/index.ts';
import { PageBitmap } from '../../lib/filter/bitmap.ts';
import { PageScan } from '../../lib/filter/page-scan.ts';
import { pageLayout } from '../../lib/kernel/page-layout.ts';
import type { StructPageChunk } from '../../lib/kernel/struct-pages.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import { type Generation, generations, pageInfo } from '../../test/support/page-generations.ts';
import { anon, compound, encodePages, file, free, type PageFields } from '../../test/support/page-writer.ts';
import { commandLine, wholeNumber } from '../support/command-line.ts';
import { describe, writeJson } from '../support/report.ts';
import { formatTable } from '../support/table.ts';

const usage = 'npm run bench:byte-order -- [--pages 4M] [--pairs 15] [--json FILE]';
const { value } = commandLine(usage, {
  pages: { type: 'string' },
  pairs: { type: 'string' },
  json: { type: 'string' },
});

/** Pages of every kind, as a machine has them: each block is aligned to its length. */
function mixture(): PageFields[] {
  const pages = [
    ...free(9),
    ...compound(9, { flags: ['lru'], mapping: anon }),
    ...Array.from({ length: 512 }, (_, i): PageFields => (i % 3 ? { flags: ['lru'], mapping: file } : {})),
    ...Array.from(
      { length: 512 },
      (_, i): PageFields => (i % 2 ? { flags: ['lru'], mapping: anon } : { flags: ['slab'] }),
    ),
  ];
  for (let i = 0; i < 64; i++)
    pages.push(...free(3), ...compound(2, {}), ...compound(2, { flags: ['lru'], mapping: file }));
  return pages;
}

const LEVEL = 30;
const CHUNK_PAGES = 1 << 16;

/** A scan of `total` pages, of which the same chunk comes over and over. */
function scanner(
  generation: Generation,
  littleEndian: boolean,
  total: number,
): () => { ms: number; dropped: number } {
  const layout = pageLayout(
    new Vmcoreinfo(['OSRELEASE=x', 'PAGESIZE=4096', ...pageInfo(generation)].join('\n')),
  );
  const pages = mixture();
  const some = encodePages(generation, pages, littleEndian);
  const bytes = new Uint8Array(CHUNK_PAGES * generation.size);
  for (let at = 0; at < bytes.length; at += some.length) bytes.set(some.subarray(0, bytes.length - at), at);
  const words = new Int32Array(bytes.buffer);
  return () => {
    const bitmap = new PageBitmap(total);
    bitmap.set(0, total);
    const scan = new PageScan(layout, littleEndian, LEVEL);
    scan.begin(bitmap);
    const before = process.cpuUsage();
    for (let firstPfn = 0; firstPfn < total; firstPfn += CHUNK_PAGES) {
      const chunk: StructPageChunk = {
        firstPfn,
        count: Math.min(CHUNK_PAGES, total - firstPfn),
        words,
        bytes,
        firstWord: 0,
      };
      scan.scan(chunk);
    }
    const { user } = process.cpuUsage(before);
    return { ms: user / 1000, dropped: scan.counts.reduce((a, b) => a + b, 0) };
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

const total = wholeNumber(value('pages') ?? '4M');
const pairs = wholeNumber(value('pairs') ?? '15');
const rows = (['6.2', '6.12'] as const).map((release) => {
  const [little, big] = [true, false].map((order) => scanner(generations[release], order, total)) as [
    ReturnType<typeof scanner>,
    ReturnType<typeof scanner>,
  ];
  const ratios: number[] = [];
  const times: { little: number[]; big: number[] } = { little: [], big: [] };
  // The first pair compiles.
  for (let pair = -1; pair < pairs; pair++) {
    const [first, second] = pair % 2 ? [little, big] : [big, little];
    const [a, b] = [first(), second()];
    if (a.dropped !== b.dropped) throw new Error(`${a.dropped} and ${b.dropped} pages were left out`);
    if (pair < 0) continue;
    const [l, g] = pair % 2 ? [a, b] : [b, a];
    times.little.push(l.ms);
    times.big.push(g.ms);
    ratios.push(g.ms / l.ms);
  }
  const nsPerPage = (ms: readonly number[]) => (median(ms) * 1e6) / total;
  return { release, little: nsPerPage(times.little), big: nsPerPage(times.big), ratio: median(ratios) };
});

const machine = describeMachine();
console.log(
  `User CPU time of the scan of ${total} struct pages at level ${LEVEL}, medians of ${pairs} alternating pairs.\n`,
);
console.log(
  formatTable(
    ['struct page of', 'little-endian, ns a page', 'big-endian, ns a page', 'big / little'],
    rows.map(({ release, little, big, ratio }) => [release, little, big, ratio]),
  ),
);
console.log(`\n${describe(machine)}`);
writeJson(value('json'), { machine, total, level: LEVEL, rows });
