import { readFileSync } from 'node:fs';
import t from 'tap';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

t.test('docs/errors.md has a row for each error code, and for no other', async (t) => {
  const codes = [...read('lib/errors.ts').matchAll(/^ {2}\| '(ERR_VMCORE_\w+)'/gm)].map((match) => match[1]);
  const documented = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  t.ok(codes.length > 10);
  t.strictSame(documented.toSorted(), codes.toSorted());
});
