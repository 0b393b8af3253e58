// A machine that loses its power while it writes a dump, twenty times at random moments: what is on the disk is absent,
// complete, or recognised as incomplete. `npm run test:vm -- power`.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyDump } from '../../lib/index.ts';
import { crash } from './remains.ts';

t.setTimeout(3_600_000);

const CUTS = 20;

t.test('power cuts', async (t) => {
  const remains = await crash(t, 'brief', 'power.sh', [`cuts=${CUTS}`]);
  const moments = readFileSync(join(remains.folder, 'cuts.log'), 'utf8').trim().split('\n');
  t.equal(moments.length, CUTS);
  for (let i = 0; i <= CUTS; i++) {
    const dump = remains.file(join(String(i), 'vmcore'));
    const state = existsSync(dump) ? (await verifyDump(dump)).state : 'absent';
    const bytes = state === 'absent' ? 0 : statSync(dump).size;
    if (i === 0) t.equal(state, 'complete', `nothing was cut: ${bytes} bytes`);
    else t.match(state, /^(absent|complete|incomplete)$/, `${moments[i - 1]}: ${bytes} bytes, ${state}`);
  }
});
