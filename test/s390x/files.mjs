// files.mjs NAME FILE...: runs test files in one process, which starts Node.js and loads tap once for all of them. tap
// names its folders by the command line: it sees NAME alone.
import { pathToFileURL } from 'node:url';

const [name, ...files] = process.argv.splice(1, Number.POSITIVE_INFINITY).slice(1);
process.argv.push(name);
// Emulation takes ten times as long; a property that is interrupted counts the runs that it had.
const { default: fc } = await import('fast-check');
fc.configureGlobal({ interruptAfterTimeLimit: 3000 });
for (const file of files) await import(pathToFileURL(file).href);
