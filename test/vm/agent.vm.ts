// Crashes a kernel whose capture kernel has examples/agent as its initramfs, which saves the crash to a server on the host:
// `npm run test:vm -- agent`. What arrives is compared with the memory of the virtual machine itself.
import { existsSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openVmcore, unflatten } from '../../lib/index.ts';
import { setBits } from '../support/bits.ts';
import { crashSession } from '../support/crash.ts';
import { readKdump } from '../support/kdump-file.ts';
import { pages } from '../support/libkdumpfile.ts';
import { absent, labDir, oracle, root, run } from '../support/oracles.ts';
import { type Fault, PutServer, sha256 } from '../support/upload-server.ts';

t.setTimeout(3_600_000);

const PAGE = 4096;
/** Below it the capture kernel has memory of its own (reserve_real_mode() in arch/x86/realmode/init.c takes it all). */
const FIRST_MIB = (1 << 20) / PAGE;
const MEMORY = 512;
/** The host, as a guest behind QEMU's user network sees it. */
const HOST = '10.0.2.2';

const folder = join(labDir, 'crash-agent');
const ram = join(folder, 'ram');

interface Summary {
  readonly complete: boolean;
  readonly dump: { readonly parts: readonly { readonly name: string; readonly sha256: string }[] };
  readonly agent: { readonly peakBytes: number };
}

/** Every page of the dump is what the machine has in this place of its memory. */
async function checkPages(t: Test, dump: string): Promise<void> {
  const { bitmap2 } = readKdump(dump);
  const memory = openSync(ram, 'r');
  const expected = Buffer.alloc(PAGE);
  const pfns = [...setBits(bitmap2)].filter((pfn) => pfn >= FIRST_MIB);
  const wrong: string[] = [];
  for await (const [pfn, page] of pages(dump, pfns)) {
    readSync(memory, expected, 0, PAGE, pfn * PAGE);
    if (!page.equals(expected)) wrong.push(pfn.toString(16));
  }
  t.same(wrong, [], `${pfns.length} pages, read by libkdumpfile`);
  t.ok(pfns.length > 4096);
}

t.test('the agent in a capture kernel', async (t) => {
  if (!existsSync(`${root}examples/agent/node_modules`))
    return void absent(t, 'npm ci --prefix examples/agent');
  if (!oracle(t, 'crash', 'libkdumpfile')) return;
  const server = new PutServer();
  const faults: Record<string, Fault[]> = {
    'vmcore.flat.0001': [503, 'garble'],
    'vmcore.flat.0002': ['reset'],
  };
  server.fault = (name, attempt) => faults[name]?.[attempt - 1];
  const { port } = new URL(await server.listen());
  t.teardown(() => server.close());
  t.teardown(() => {
    for (const name of ['ram', 'agent.img', 'vmcore.flat', 'vmcore'])
      rmSync(join(folder, name), { force: true });
  });

  const target = `http://${HOST}:${port}/crashes`;
  const script = `${root}test/vm/make-agent-crash.sh`;
  await run(script, [folder, ram, String(MEMORY), target], { limit: 3_600_000 });

  const names = server.received.map(({ name }) => name);
  t.equal(names[0], 'dmesg.txt');
  t.equal(names.at(-1), 'summary.json');
  t.equal(server.received.filter(({ fault }) => fault !== undefined).length, 3, 'and it tried again');
  const stored = new Map([...server.stored].map(([path, bytes]) => [path.split('/').at(-1)!, bytes]));
  const summary: Summary = JSON.parse(stored.get('summary.json')!.toString());
  t.comment(`${summary.agent.peakBytes >> 20} MiB at most`);
  t.equal(summary.complete, true);
  t.match(stored.get('dmesg.txt')!.toString(), /sysrq: Trigger a crash\n.*Kernel panic/);
  for (const { name, sha256: digest } of summary.dump.parts)
    t.equal(sha256(stored.get(name)!).toString('hex'), digest, name);

  const [flat, dump] = [join(folder, 'vmcore.flat'), join(folder, 'vmcore')];
  writeFileSync(flat, Buffer.concat(summary.dump.parts.map(({ name }) => stored.get(name)!)));
  t.equal((await unflatten(flat, dump, { force: true })).complete, true);
  await t.test('the pages', (t) => checkPages(t, dump));
  await t.test('the tools', async (t) => {
    await using core = await openVmcore(dump);
    t.equal(stored.get('dmesg.txt')!.toString().includes(core.dmesg().at(-1)!.text), true);
    const [sys, log] = await crashSession(join(folder, 'vmlinux'), dump, ['sys', 'log']);
    t.match(sys, /PANIC: "Kernel panic - not syncing: sysrq triggered crash"/);
    t.match(log, /sysrq: Trigger a crash/);
  });
  t.match(
    readFileSync(join(folder, 'console.log'), 'utf8'),
    /agent: write: \d+ of \d+ pages/,
    'progress on the console',
  );
});
