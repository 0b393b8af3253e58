// Lists the pages of a class, as runs of page frame numbers: node list-pages.js VMCORE [CLASS]
import { openVmcore, PAGE_CLASSES } from 'vmcore';

const [, , path, name = 'free'] = process.argv;
const pageClass = PAGE_CLASSES.find((known) => known === name);
if (!path || !pageClass) throw new Error(`usage: list-pages.js VMCORE [${PAGE_CLASSES.join('|')}]`);

await using core = await openVmcore(path);
let runs = 0;
let total = 0;
for await (const { pfn, count } of core.pages({ class: pageClass })) {
  if (runs < 10) console.log(`pfn ${pfn}: ${count} pages`);
  runs++;
  total += count;
}
console.log(`${total} ${pageClass} pages in ${runs} runs, ${(total * core.pageSize) / 2 ** 20} MiB`);
