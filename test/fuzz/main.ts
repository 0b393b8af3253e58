// `npm run fuzz -- TARGET [SECONDS [SEED]]`: damages what a parser takes until something breaks; `all` takes turns. It
// prints the seed: the same seed makes the same inputs. An input that breaks something is kept in fuzz-findings/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

const [name = '', seconds = '60', given] = process.argv.slice(2);
const names = name === 'all' ? Object.keys(targets) : [name];
if (!names.every((one) => Object.hasOwn(targets, one)) || !(Number(seconds) > 0)) {
  console.error(
    `usage: npm run fuzz -- TARGET [SECONDS [SEED]]\ntargets: all ${Object.keys(targets).join(' ')}`,
  );
  process.exit(2);
}
const seed = Number(given ?? Math.floor(Math.random() * 2 ** 31));
for (const one of names) {
  console.log(`${one}: seed ${seed}`);
  const until = Date.now() + (Number(seconds) / names.length) * 1000;
  const finding = await fuzz(targets[one]!, { seed, runs: Number.POSITIVE_INFINITY, until });
  if (!finding) continue;
  const file = join('fuzz-findings', `${one}-${seed}-${finding.run}`);
  mkdirSync('fuzz-findings', { recursive: true });
  writeFileSync(file, finding.bytes);
  console.error(`${one}: run ${finding.run}, kept in ${file}:`, finding.error);
  process.exitCode = 1;
}
