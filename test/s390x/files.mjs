// files.mjs NAME FILE...: runs test files in one process, one after the other, so that Node.js is started and tap is loaded
// once for all of them. tap names its folders by the command line: it sees NAME alone.
import { pathToFileURL } from 'node:url';

const [name, ...files] = process.argv.splice(1, Number.POSITIVE_INFINITY).slice(1);
process.argv.push(name);
// Emulation takes ten times as long; a property that is interrupted counts the runs that it had.
const { default: fc } = await import('fast-check');
fc.configureGlobal({ interruptAfterTimeLimit: 3000 });
const { default: t } = await import('tap');
// The time that a file gives itself would be that of all files up to it; watched.mjs ends what hangs.
t.setTimeout(0);
t.setTimeout = () => {};
// With a teardown the whole would end when the tests of one file have.
const teardowns = [];
t.teardown = (teardown) => teardowns.push(teardown);
for (const file of files) {
  await import(pathToFileURL(file).href);
  // Files share the folder of t.testdir(): the next one begins when the tests of this one have ended.
  await t.test(file, { silent: true }, async () => {});
  for (const teardown of teardowns.splice(0).reverse()) await teardown();
}
