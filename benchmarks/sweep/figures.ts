import * as Plot from '@observablehq/plot';
import type { Distribution } from '../../lib/bench/index.ts';
import type { AccessRow } from '../access/rows.ts';
import { draw } from '../support/plot.ts';
import type { CoreResults, RegionRun } from './results.ts';

/** The same colour means the same everywhere. */
const WAYS = { domain: ['mmap', 'read', 'auto'], range: ['#1f6fb4', '#d9822b', '#2a9d5c'] };
const PROGRAMS = { domain: ['vmcore', 'makedumpfile'], range: ['#2a9d5c', '#9aa0a6'] };

const levelName = (level: number) => (level === 0 ? 'all pages (-d 0)' : `filtered (-d ${level})`);

export function withThousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

function sizeName(bytes: number): string {
  return bytes < 1 << 20 ? `${bytes / 1024} KiB` : `${bytes / (1 << 20)} MiB`;
}

/** Calls of whole dumps: the table as bars. */
export function callsFigure(rows: readonly AccessRow[]): string {
  const data = rows.map((row) => ({
    ...row,
    who: `${row.program}, ${row.access}`,
    level: levelName(row.level),
    text: withThousands(row.sum),
  }));
  const who = [...new Set(data.map((row) => row.who))];
  return draw({
    marginLeft: 150,
    marginRight: 150,
    marginTop: 10,
    height: 60 + 28 * data.length,
    x: {
      type: 'log',
      label: 'calls on the core (each step of the scale is ten times as many)',
      ticks: 6,
      tickFormat: '~s',
    },
    y: { label: null, domain: who },
    fy: { label: null },
    color: { ...PROGRAMS, legend: true },
    marks: [
      Plot.barX(data, { x1: 1, x2: 'sum', y: 'who', fy: 'level', fill: 'program' }),
      Plot.text(data, { x: 'sum', y: 'who', fy: 'level', text: 'text', textAnchor: 'start', dx: 5 }),
    ],
  });
}

/** How the length of a region changes what a dump of each way needs. */
function regionFigure(
  regions: readonly RegionRun[],
  y: { readonly label: string; readonly value: (run: RegionRun) => number; readonly type: 'log' | 'linear' },
  limit?: { readonly at: number; readonly text: string },
): string {
  const data = regions.map((run) => ({
    region: run.regionBytes,
    value: y.value(run),
    access: run.access,
    level: levelName(run.level),
  }));
  const sizes = [...new Set(data.map(({ region }) => region))];
  return draw({
    marginLeft: 60,
    height: 340,
    x: { type: 'log', base: 2, label: 'longest region', ticks: sizes, tickFormat: sizeName, tickRotate: -30 },
    y: {
      type: y.type,
      label: y.label,
      grid: true,
      tickFormat: '~s',
      ...(y.type === 'linear' ? { zero: true } : { ticks: 5 }),
    },
    fx: { label: null },
    marginBottom: 75,
    color: { ...WAYS, legend: true },
    marks: [
      ...(limit
        ? [Plot.ruleY([limit.at], { stroke: '#b00', strokeDasharray: '4 3' }), limitLabel(limit)]
        : []),
      Plot.lineY(data, {
        x: 'region',
        y: 'value',
        fx: 'level',
        stroke: 'access',
        z: 'access',
        strokeWidth: 2,
      }),
      Plot.dot(data, { x: 'region', y: 'value', fx: 'level', fill: 'access', r: 4 }),
    ],
  });
}

function limitLabel({ at, text }: { readonly at: number; readonly text: string }): Plot.Markish {
  return Plot.text([text], {
    x: 64 << 10,
    y: at,
    dy: 11,
    textAnchor: 'start',
    fill: '#b00',
    text: (label: string) => label,
  });
}

export function regionCallsFigure(regions: readonly RegionRun[]): string {
  return regionFigure(regions, { label: 'calls on the core', value: ({ sum }) => sum, type: 'log' });
}

export function regionTablesFigure(regions: readonly RegionRun[]): string {
  const mapped = regions.filter(({ pageTableBytes }) => pageTableBytes > 0);
  const y = {
    label: 'page tables, KiB',
    value: (run: RegionRun) => run.pageTableBytes / 1024,
    type: 'log',
  } as const;
  return regionFigure(mapped, y, { at: 2048, text: 'default budget on /proc/vmcore' });
}

export function regionTimeFigure(regions: readonly RegionRun[]): string {
  const perPage = ({ times, pages }: RegionRun) => (times.user + times.system) / pages;
  return regionFigure(regions, {
    label: 'CPU time, ns for each page copied',
    value: perPage,
    type: 'linear',
  });
}

/** How many slots scattered reads need. */
export function slotsFigure(reads: CoreResults['reads']): string {
  const data = reads.map((run) => ({
    ...run,
    region: sizeName(run.regionBytes),
    rate: (1000 * run.misses) / run.reads,
  }));
  const slots = [...new Set(data.map((run) => run.slots))];
  return draw({
    marginLeft: 60,
    height: 340,
    marginTop: 30,
    x: { type: 'log', base: 2, label: 'slots', ticks: slots, tickFormat: String },
    y: { label: 'misses in 1000 reads', grid: true, zero: true },
    color: {
      domain: [...new Set(data.map(({ region }) => region))],
      scheme: 'Blues',
      range: [0.35, 1],
      type: 'ordinal',
      legend: true,
      label: 'region',
    },
    marks: [
      Plot.lineY(data, { x: 'slots', y: 'rate', stroke: 'region', z: 'region', strokeWidth: 2 }),
      Plot.dot(data, { x: 'slots', y: 'rate', fill: 'region', r: 4 }),
    ],
  });
}

const WAY_NAMES = {
  map: 'mapped',
  'map-populated': 'mapped, page tables filled',
  pread: 'read by pread',
} as const;

/** How many cycles the first touch of a page takes: which share of pages takes how long. */
export function touchFigure({ ways, linesPerPage }: CoreResults['touches']): string {
  const parts = { firstLine: 'first line', otherLines: `the other ${linesPerPage - 1} lines` } as const;
  const data = ways.flatMap(({ way, order, firstLine, otherLines }) =>
    Object.entries({ firstLine, otherLines }).flatMap(([part, spread]) =>
      coarse(spread).map((bin) => ({
        ...bin,
        part: parts[part as keyof typeof parts],
        way: WAY_NAMES[way],
        order:
          order === 'ascending'
            ? 'pages in ascending order, as a dump'
            : 'pages in scattered order, as a debugger',
      })),
    ),
  );
  return draw({
    height: 460,
    marginLeft: 55,
    marginRight: 190,
    x: { type: 'log', domain: [16, 65536], clamp: true, label: 'cycles', ticks: 4, tickFormat: '~s' },
    y: { label: 'share of pages', percent: true, grid: true },
    fx: { label: null },
    fy: {
      label: null,
      domain: Object.values(WAY_NAMES).filter((name) => data.some(({ way }) => way === name)),
    },
    color: { domain: Object.values(parts), range: ['#b8336a', '#5b8fd6'], legend: true },
    marks: [
      Plot.rectY(data, {
        x1: 'from',
        x2: 'to',
        y2: 'share',
        y1: 0,
        fx: 'order',
        fy: 'way',
        fill: 'part',
        fillOpacity: 0.65,
      }),
      Plot.ruleY([0]),
    ],
  });
}

const COARSE_BINS = 2;

/** Two bins for each doubling, as shares; up to 16 cycles nothing can be told apart, and all of it is one bin. */
function coarse({ histogram, count: total }: Distribution): { from: number; to: number; share: number }[] {
  const bins = new Map<number, number>();
  for (const { from, count } of histogram) {
    const bin = Math.floor(Math.max(4, Math.log2(from)) * COARSE_BINS);
    bins.set(bin, (bins.get(bin) ?? 0) + count);
  }
  return Array.from(bins, ([bin, count]) => ({
    from: 2 ** (bin / COARSE_BINS),
    to: 2 ** ((bin + 1) / COARSE_BINS),
    share: count / total,
  }));
}

/** Who pays: CPU time of the program and of the kernel for the same pages. */
export function copiesFigure({ ways }: CoreResults['copies']): string {
  const data = ways.flatMap(({ way, callBytes, perPage }) =>
    (['user', 'system'] as const).map((who) => ({
      way: `${WAY_NAMES[way]}, ${sizeName(callBytes)} a call`,
      who: who === 'user' ? 'the program (user)' : 'the kernel (system)',
      time: perPage[who],
    })),
  );
  return draw({
    marginLeft: 300,
    marginTop: 10,
    height: 60 + 34 * ways.length,
    x: { label: 'CPU time for each page, ns', grid: true },
    y: { label: null, domain: [...new Set(data.map(({ way }) => way))] },
    color: {
      domain: ['the program (user)', 'the kernel (system)'],
      range: ['#b8336a', '#5b8fd6'],
      legend: true,
    },
    marks: [Plot.barX(data, { x: 'time', y: 'way', fill: 'who' }), Plot.ruleX([0])],
  });
}

/** What a hit in the slots costs. */
export function hitsFigure({ costs }: CoreResults['hits']): string {
  const data = costs.flatMap(({ access, where, bytes, borrowed, copied }) =>
    Object.entries({ borrowed, copied }).map(([how, time]) => ({
      what: `${access === 'mmap' ? 'mapped' : 'read'} region, ${bytes} bytes`,
      where: where === 'same region' ? 'next hit in the same region' : 'next hit in any of the slots',
      how,
      time,
      text: String(Math.round(time)),
    })),
  );
  return draw({
    marginLeft: 160,
    height: 360,
    x: { label: 'ns for each hit', grid: true },
    y: { label: null },
    fy: { label: null, domain: [...new Set(data.map(({ what }) => what))] },
    fx: { label: null },
    marginRight: 150,
    color: { domain: ['borrowed', 'copied'], range: ['#2a9d5c', '#d9822b'], legend: true },
    marks: [
      Plot.barX(data, { x: 'time', y: 'how', fx: 'where', fy: 'what', fill: 'how' }),
      Plot.text(data, {
        x: 'time',
        y: 'how',
        fx: 'where',
        fy: 'what',
        text: 'text',
        textAnchor: 'start',
        dx: 4,
      }),
    ],
  });
}
