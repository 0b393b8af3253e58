// A crash with a kept page in every MiB: calls at level 31 are no more than at level 0. makedumpfile's are 30 times as many
// on such a machine, which is what began this library (docs/design.md).
import t from 'tap';
import { differences, setBits } from '../support/bits.ts';
import { readKdump } from '../support/kdump-file.ts';
import { oracle } from '../support/oracles.ts';
import { accessTable, callsOf, crash } from './remains.ts';

t.setTimeout(3_600_000);

const PAGES_PER_MIB = 256;
/** Calls for 2 GiB. */
const CALL_LIMIT = 250;

t.test('fragmented', async (t) => {
  if (!oracle(t, 'makedumpfile', 'strace')) return;
  const remains = await crash(t, 'fragmented', 'calls.sh');
  const { bitmap1, bitmap2 } = readKdump(remains.file('31.kdump'));
  const gib = [...setBits(bitmap1)].length / PAGES_PER_MIB / 1024;

  t.test('the pages', async (t) => {
    const theirs = readKdump(remains.file('31-makedumpfile.kdump'));
    t.same(differences(bitmap2, theirs.bitmap2), [], 'bitmap 2 is that of makedumpfile');
    const kept = Array.from(setBits(bitmap2));
    const mebibytes = new Set(kept.map((pfn) => Math.floor(pfn / PAGES_PER_MIB))).size;
    t.ok(mebibytes >= 2048, `${kept.length} kept pages, in ${mebibytes} of ${Math.round(gib * 1024)} MiB`);
  });

  t.test('calls', async (t) => {
    const { rows } = remains.access;
    t.comment(accessTable(rows));
    for (const way of ['mmap', 'auto']) {
      const [whole, filtered] = [callsOf(rows, 'vmcore', 0, way), callsOf(rows, 'vmcore', 31, way)];
      t.ok(filtered <= whole, `${way}: ${filtered} calls at level 31, ${whole} at level 0`);
      t.ok(whole <= (CALL_LIMIT * gib) / 2, `at most ${CALL_LIMIT} for 2 GiB, of which there are ${gib / 2}`);
      t.ok(filtered < callsOf(rows, 'makedumpfile', 31, 'mmap'), 'fewer than makedumpfile makes');
    }
  });
});
