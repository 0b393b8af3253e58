import type { Machine } from '../../lib/bench/index.ts';
import type { AccessRow } from '../access/rows.ts';
import { describe } from '../support/report.ts';
import {
  callsFigure,
  copiesFigure,
  hitsFigure,
  regionCallsFigure,
  regionTablesFigure,
  regionTimeFigure,
  slotsFigure,
  touchFigure,
  withThousands,
} from './figures.ts';
import type { CoreResults, SweepResults } from './results.ts';

/** The results as one HTML page that needs nothing else. */
export function renderPage(results: SweepResults): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Reading a crashed kernel's memory: mmap against read</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Reading a crashed kernel's memory: mmap against read</h1>
${INTRODUCTION}
<p class="machine">${escapeText(describe(results.machine)).replaceAll('\n', '<br>')}</p>
${results.cores.map((core) => renderCore(core, results.machine)).join('\n')}
<script type="application/json" id="results">${JSON.stringify(results).replaceAll('<', '\\u003c')}</script>
</body>
</html>
`;
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.7rem; } h2 { margin-top: 3rem; border-bottom: 2px solid #ddd; } h3 { margin: 2.5rem 0 .3rem; }
p { margin: .4rem 0 .8rem; } .finding { font-weight: 600; } .machine { color: #666; font-size: .9rem; }
figure { margin: .5rem 0; } dt { font-weight: 600; } dd { margin: 0 0 .4rem 1.5rem; }
table { border-collapse: collapse; } th, td { padding: .15rem .8rem; text-align: right; border-bottom: 1px solid #eee; }
th:first-child, td:first-child { text-align: left; }`;

const INTRODUCTION = `
<p>A dump program copies the memory of a crashed kernel into a file, all of it (level 0) or without the pages that nobody
will look at (level 31). That memory looks like a file. A program can <b>read</b> it (the kernel copies bytes into a buffer)
or <b>map</b> it (the bytes appear in the program's own memory). Every call costs; so does every page that is touched.
This page counts the calls and measures who pays for the pages.</p>
<dl>
<dt>mmap, read, auto</dt><dd>Everything mapped where that works; everything read; for each stretch the cheaper of the two,
planned from the list of wanted pages and from measured costs.</dd>
<dt>region</dt><dd>What one map call covers. On <code>/proc/vmcore</code> a map call fills page tables for all of it: 8 bytes
for each 4 KiB, memory that a crashed machine has little of.</dd>
<dt>slot</dt><dd>A place that keeps one region, for reads that come back to it.</dd>
</dl>`;

function renderCore(results: CoreResults, machine: Machine): string {
  const { core, arch, size, calls, regions, reads } = results;
  return [
    `<h2>${escapeText(core)}: ${(size / 2 ** 30).toFixed(1)} GiB, ${escapeText(arch)}</h2>`,
    section(
      'How many calls does a dump make?',
      callsFinding(calls.rows),
      'Maps, unmaps and reads of the core from opening it to closing it. The scale is logarithmic.' +
        (calls.missing ? ` ${calls.missing}: its calls are not shown.` : ''),
      callsFigure(calls.rows) + callsTable(calls.rows),
    ),
    section(
      'How long should regions be?',
      'Longer regions need fewer calls, until the rest is what opening the core and finding its pages takes.',
      'One dump for each point. A region is what a map may cover at most; a pread covers no more than 1 MiB. auto looks for the least time, not for the fewest calls, and makes about two dozen more to measure what calls cost.',
      regionCallsFigure(regions),
    ),
    section(
      'What do longer regions cost?',
      'The memory for page tables grows with what is mapped at one time.',
      'The most that was mapped at one time, as page tables on /proc/vmcore would hold it; a regular file needs less. There the budget limits the length of regions.',
      regionTablesFigure(regions),
    ),
    section(
      'How many slots do scattered reads need?',
      'As many as there are places that reads come back to; a long scan in between must not push them out.',
      '8000 reads of 64 bytes, seven of eight in 24 places all over the memory, one of eight in the next page of a long scan.',
      slotsFigure(reads),
    ),
    ...(machine.accel === 'tcg' ? [NO_TIMES] : timeSections(results)),
  ].join('\n');
}

const NO_TIMES = `<p>This was an emulated machine. It has no caches, so the times that were measured mean nothing, and are not
shown.</p>`;

function timeSections({ touches, copies, hits, regions }: CoreResults): string[] {
  const nanoseconds = touches.nanosecondsPerCycle.toFixed(2);
  return [
    section(
      'What does the first touch of a page cost?',
      touchFinding(touches),
      `Cycles of the processor's clock (${nanoseconds} ns each) until the bytes were there: one load in the first line of a page, and one in each of its other lines. Rows: how the page came into reach. In ascending order the processor fetches the next lines before they are asked for; in scattered order it can't. Far right: page faults, which only a mapping of a regular file has.`,
      touchFigure(touches),
    ),
    section(
      'Who pays for it?',
      copiesFinding(copies),
      'The same pages brought into reach in each way, and copied once by the program. CPU time of both sides.',
      copiesFigure(copies),
    ),
    section(
      'What does a dump cost with regions of each length?',
      'CPU time of the program and the kernel together, for each page that is copied.',
      'Medians of three whole dumps into nothing, the start of the library included. Very long regions cost more again: V8 counts what is mapped as memory of its own, and collects garbage.',
      regionTimeFigure(regions),
    ),
    section(
      'What does a copy out of a slot cost?',
      'Borrowing bytes from a region in a slot is cheaper than copying them out of it.',
      'Bytes that are in a slot and in the cache: found and looked at (borrowed), or copied first. A copy out of a mapping also asks whether a page of it was lost.',
      hitsFigure(hits),
    ),
  ];
}

function section(title: string, finding: string, how: string, figure: string): string {
  return `<h3>${escapeText(title)}</h3>
<p class="finding">${escapeText(finding)}</p>
<p>${escapeText(how)}</p>
${figure}`;
}

function callsFinding(rows: readonly AccessRow[]): string {
  const level = Math.max(...rows.map((row) => row.level));
  const sum = (program: AccessRow['program'], access: AccessRow['access']) =>
    rows.find((row) => row.program === program && row.access === access && row.level === level)?.sum;
  const ours = sum('vmcore', 'auto')!;
  const [mapped, read] = [sum('makedumpfile', 'mmap'), sum('makedumpfile', 'read')];
  const own = `At level ${level} the planned dump makes ${ours} calls`;
  if (!mapped || !read) return `${own}.`;
  return `${own}; makedumpfile makes ${mapped} with mmap (${(mapped / ours).toFixed(1)} times as many) and ${withThousands(read)} with read (${Math.round(read / ours)} times).`;
}

function touchFinding({ ways, linesPerPage }: CoreResults['touches']): string {
  const p50 = (way: string, order: string) => {
    const { firstLine, otherLines } = ways.find((touched) => touched.way === way && touched.order === order)!;
    return [Math.round(firstLine.p50), Math.round(otherLines.p50)] as const;
  };
  // Without page faults, as on /proc/vmcore.
  const way = ways.some((touched) => touched.way === 'map-populated') ? 'map-populated' : 'map';
  const [first, others] = p50(way, 'scattered');
  const [firstRead, othersRead] = p50('pread', 'scattered');
  const [firstAhead, othersAhead] = p50(way, 'ascending');
  return `In scattered order the first line of a mapped page takes ${first} cycles and its other ${linesPerPage - 1} together ${others}; of a page that was just read ${firstRead} and ${othersRead}, because pread has brought it into the cache. In ascending order the processor fetches ahead: ${firstAhead} and ${othersAhead} (medians).`;
}

function copiesFinding({ ways }: CoreResults['copies']): string {
  const map = ways.find(({ way }) => way === 'map')!.perPage;
  const reads = ways.filter(({ way }) => way === 'pread').map(({ perPage }) => perPage);
  const large = reads.at(-1)!;
  const small = reads[0]!;
  const total = (times: { user: number; system: number }) => times.user + times.system;
  // A run of a few milliseconds may be none on the clock of CPU time.
  const ratio = (a: number, b: number) => (b > 0 ? (a / b).toFixed(1) : '?');
  return `The program pays ${ratio(map.user, large.user)} times as much with mmap as with large reads, the kernel ${ratio(map.system, large.system)} times; together ${ratio(total(map), total(large))} times. Against reads of one page both together pay ${ratio(total(map), total(small))} times.`;
}

function callsTable(rows: readonly AccessRow[]): string {
  const head = ['', 'mmap', 'munmap', 'read', 'sum'].map((title) => `<th>${title}</th>`).join('');
  const body = rows.map(({ program, access, level, maps, unmaps, reads, sum }) => {
    const cells = [`${program}, ${access}, -d ${level}`, maps, unmaps, reads, sum];
    return `<tr>${cells.map((cell) => `<td>${typeof cell === 'number' ? withThousands(cell) : cell}</td>`).join('')}</tr>`;
  });
  return `<table><tr>${head}</tr>${body.join('')}</table>`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
