// How much memory the agent takes in a capture kernel, and the smallest crashkernel= with which it saves a guest:
// `npm run test:vm -- memory`.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { formatTable } from '../../benchmarks/support/table.ts';
import { absent, labDir, root, run } from '../support/oracles.ts';
import { PutServer } from '../support/upload-server.ts';

t.setTimeout(3_600_000);

const MIB = 1 << 20;
/** Of the guest, in MiB. */
const GUESTS = [2048, 8192];
/** MiB of crashkernel=: the one that has to do, and how much less is tried as long as it works. */
const [GOAL, STEP] = [192, 16];
/** VmHWM of the agent, in MiB. */
const PEAK = 110;
/** The host, as a guest behind QEMU's user network sees it. */
const HOST = '10.0.2.2';

interface Saved {
  readonly complete: boolean;
  /** VmHWM in MiB. */
  readonly peak: number;
}

/** Crashes a guest and has the agent save it; undefined where the capture kernel did not get that far. */
async function save(mem: number, crashkernel: number): Promise<Saved | undefined> {
  const server = new PutServer();
  const { port } = new URL(await server.listen());
  const folder = join(labDir, `crash-memory-${mem}`);
  mkdirSync(folder, { recursive: true });
  try {
    const target = `http://${HOST}:${port}/crashes`;
    const options = [`crashkernel=${crashkernel}M`];
    await run(`${root}test/vm/make-agent-crash.sh`, [folder, '', String(mem), target, ...options], {
      limit: 3_600_000,
    });
    const [, json] = [...server.stored].find(([path]) => path.endsWith('/summary.json'))!;
    const { complete, agent }: { complete: boolean; agent: { peakBytes: number } } = JSON.parse(
      json.toString(),
    );
    return { complete, peak: Math.round(agent.peakBytes / MIB) };
  } catch (error) {
    t.comment(`${mem} MiB, crashkernel=${crashkernel}M: ${String(error).split('\n').at(-1)}`);
    return undefined;
  } finally {
    await server.close();
  }
}

for (const mem of GUESTS) {
  t.test(`a guest of ${mem} MiB`, async (t) => {
    if (!existsSync(`${root}examples/agent/node_modules`))
      return void absent(t, 'npm ci --prefix examples/agent');
    const rows: [string, number | string][] = [];
    for (let crashkernel = GOAL; ; crashkernel -= STEP) {
      const saved = await save(mem, crashkernel);
      rows.push([`crashkernel=${crashkernel}M`, saved?.peak ?? 'too small']);
      if (crashkernel === GOAL) {
        t.equal(saved?.complete, true, `crashkernel=${GOAL}M is enough`);
        t.ok(saved && saved.peak <= PEAK, `${saved?.peak} MiB at most, of ${PEAK}`);
      }
      if (!saved) break;
    }
    t.comment(formatTable(['', 'MiB at most'], rows));
  });
}
