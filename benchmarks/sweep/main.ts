// Region size x slots x level x policy, the first touch and makedumpfile's calls: as JSON and as one HTML page.
import { readFileSync, writeFileSync } from 'node:fs';
import { commandLine, leave } from '../support/command-line.ts';
import { writeJson } from '../support/report.ts';
import { renderPage } from './page.ts';
import { type SweepResults, sweep } from './results.ts';

const usage = `npm run bench:sweep -- CORE... [--html sweep.html] [--json sweep.json]
       npm run bench:sweep -- --from sweep.json [--html sweep.html]   draws what was measured before, or elsewhere`;
const { positionals, value } = commandLine(usage, {
  html: { type: 'string' },
  json: { type: 'string' },
  from: { type: 'string' },
});
const from = value('from');
if (from === undefined && positionals.length === 0) leave(`usage: ${usage}`);

const results: SweepResults =
  from === undefined
    ? await sweep(positionals, (what) => console.error(what))
    : JSON.parse(readFileSync(from, 'utf8'));
if (from === undefined) writeJson(value('json') ?? 'sweep.json', results);
const html = value('html') ?? 'sweep.html';
writeFileSync(html, renderPage(results));
console.log(`As a page: ${html}`);
