// examples/agent, bundled as it is for a capture kernel, saves a core: to a folder, and to servers that fail in every way.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import ts from 'typescript';
import { formatRecord, openVmcore, unflatten } from '../lib/index.ts';
import { bundledCore } from './support/cores.ts';
import { absent, root } from './support/oracles.ts';
import { type Fault, PutServer, type Received, S3Server, sha256 } from './support/upload-server.ts';

t.setTimeout(300_000);

interface Summary {
  readonly complete: boolean;
  readonly folder: string;
  readonly dmesg: { readonly sha256: string };
  readonly dump: {
    readonly bytes: number;
    readonly error?: string;
    readonly parts: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  };
}

const core = (await bundledCore()).path;
const folder = t.testdir({ node_modules: {}, agent: {} });
const example = join(root, 'examples/agent');
const MIB = 1 << 20;

/** What the agent has to save. */
const expected = { dump: join(folder, 'expected'), log: '' };

t.before(async () => {
  if (!existsSync(join(example, 'node_modules'))) return;
  symlinkSync(root, join(folder, 'node_modules/vmcore'));
  const bundle = ['run', 'bundle', '--', `--outdir=${folder}/agent`];
  const { status, stderr } = spawnSync('npm', bundle, { cwd: example, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  await using open = await openVmcore(core);
  await open.dump(expected.dump, { level: 31 });
  expected.log = open
    .dmesg()
    .map((record) => `${formatRecord(record)}\n`)
    .join('');
});

/** Whether the packages of the example are there, which are not those of this package. */
function isInstalled(t: Test): boolean {
  return existsSync(join(example, 'node_modules')) || absent(t, 'npm ci --prefix examples/agent');
}

/** Runs the agent; `wrapper` is a command that is given its command line. */
async function agent(
  args: readonly string[],
  env: Record<string, string> = {},
  wrapper: readonly string[] = [],
) {
  const standard = ['--vmcore', core, '--part', '1', '--delay', '1', '--timeout', '2000'];
  const [command, ...line] = [...wrapper, process.execPath, join(folder, 'agent/agent.mjs')];
  const child = spawn(command!, [...line, ...standard, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stdout = await text(child.stdout);
  return { stdout, status: await exit };
}

async function started<Server extends PutServer | S3Server>(t: Test, server: Server) {
  t.teardown(() => server.close());
  return { server, url: await server.listen() };
}

/** The stored file of this name, in whatever folder. */
function stored(server: PutServer | S3Server, name: string): Buffer {
  const found = [...server.stored].filter(([path]) => path.endsWith(`/${name}`));
  if (found.length !== 1)
    throw new Error(`${found.length} files ${name} of ${[...server.stored.keys()].join(' ')}`);
  return found[0]![1];
}

/** The flattened dump that was uploaded has the pages of the expected one, to the byte. */
async function checkFlattened(t: Test, stream: Buffer, summary: Summary): Promise<void> {
  const name = t.name.replace(/\W+/g, '-');
  const [flat, dump] = [join(folder, `${name}.flat`), join(folder, `${name}.dump`)];
  writeFileSync(flat, stream);
  t.equal((await unflatten(flat, dump)).complete, true);
  t.ok(readFileSync(dump).equals(readFileSync(expected.dump)), 'the dump');
  t.equal(summary.complete, true);
  checkDigests(t, stream, summary);
}

function checkDigests(t: Test, bytes: Buffer, { dump }: Summary): void {
  t.equal(dump.bytes, bytes.length);
  let at = 0;
  for (const part of dump.parts) {
    const digest = sha256(bytes.subarray(at, at + part.bytes)).toString('hex');
    if (digest !== part.sha256) t.fail(`the digest of ${part.name} at ${at}`);
    at += part.bytes;
  }
  t.equal(at, bytes.length, 'parts are the whole');
}

/** Every attempt at something sent the same bytes. Returns how many attempts failed. */
function failedAttempts(t: Test, received: readonly Received[]): number {
  const bodies = new Map<string, Buffer>();
  for (const { name, body } of received) {
    const first = bodies.get(name) ?? body;
    if (!first.equals(body)) t.fail(`${name} was sent with other bytes`);
    bodies.set(name, first);
  }
  return received.filter(({ fault }) => fault !== undefined).length;
}

/** What cuts a stream into parts, and needs none of the agent's packages. */
async function compiledParts(): Promise<{
  readonly PartStream: new (
    partBytes: number,
    store: (number: number, bytes: Uint8Array) => Promise<string>,
  ) => Writable & {
    readonly parts: readonly { readonly name: string; readonly bytes: number }[];
    flush(): Promise<void>;
  };
}> {
  const module = join(folder, 'parts.mjs');
  const source = readFileSync(join(example, 'parts.ts'), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  writeFileSync(module, outputText);
  return import(module);
}

t.test('a stream that is destroyed while a part is on its way and the next one is full', async (t) => {
  const { PartStream } = await compiledParts();
  let arrive = () => {};
  const arrival = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const stored: [number, string][] = [];
  const stream = new PartStream(10, async (number, bytes) => {
    await arrival;
    stored.push([number, Buffer.from(bytes).toString()]);
    return `part ${number}`;
  });
  stream.write('the first the secondthe rest');
  stream.destroy();
  const flushed = stream.flush();
  arrive();
  await flushed;
  t.same(stored, [
    [1, 'the first '],
    [2, 'the second'],
    [3, 'the rest'],
  ]);
  t.same(
    stream.parts.map(({ name, bytes }) => [name, bytes]),
    [
      ['part 1', 10],
      ['part 2', 10],
      ['part 3', 8],
    ],
  );
});

t.test('to a folder', async (t) => {
  if (!isInstalled(t)) return;
  const target = join(folder, 'disk');
  const { status, stdout } = await agent([target]);
  t.equal(status, 0, stdout);
  t.match(stdout, /^agent: write: \d+ of \d+ pages, \d+ %$/m, 'progress');
  const [name] = readdirSync(target);
  const read = (file: string) => readFileSync(join(target, name!, file));
  const summary: Summary = JSON.parse(read('summary.json').toString());
  t.equal(summary.folder, name);
  t.equal(read('dmesg.txt').toString(), expected.log);
  t.ok(read('vmcore').equals(readFileSync(expected.dump)));
  checkDigests(t, read('vmcore'), summary);
  t.same(
    JSON.parse(stdout.trim().split('\n').at(-1)!.slice('agent: '.length)),
    summary,
    'and on the console',
  );

  writeFileSync(join(target, name!, 'vmcore'), 'of an attempt before');
  t.equal((await agent([target])).status, 0);
  t.ok(read('vmcore').equals(readFileSync(expected.dump)), 'again, over what is there');
});

t.test('of a core that does not tell what its pages are', async (t) => {
  if (!isInstalled(t)) return;
  const damaged = join(folder, 'damaged.elf');
  const bytes = readFileSync(core);
  bytes.write('vmcoreinfo', bytes.indexOf('VMCOREINFO\0'));
  writeFileSync(damaged, bytes);
  const target = join(folder, 'undecided');
  const { status, stdout } = await agent(['--vmcore', damaged, target]);
  t.equal(status, 0, stdout);
  t.match(stdout, /level 1 instead of 31/);
  const [name] = readdirSync(target);
  const summary = JSON.parse(readFileSync(join(target, name!, 'summary.json'), 'utf8'));
  t.match(summary, {
    complete: true,
    release: 'unknown',
    dmesg: { error: /VMCOREINFO/ },
    dump: { level: 1 },
  });
});

t.test('a disk that is too small: the next target', async (t) => {
  if (!isInstalled(t)) return;
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return void absent(t, 'unshare --mount');
  const target = join(folder, 'larger');
  const mount = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=2m small "$0"; exec "$@"', '/mnt'];
  const { status, stdout } = await agent(['/mnt', target], {}, mount);
  t.equal(status, 0, stdout);
  t.match(stdout, /agent: \/mnt: .*ENOSPC|agent: \/mnt: .*no space/i);
  t.ok(readFileSync(join(target, readdirSync(target)[0]!, 'vmcore')).equals(readFileSync(expected.dump)));
});

t.test('a server that fails in every way', async (t) => {
  if (!isInstalled(t)) return;
  const { server, url } = await started(t, new PutServer());
  const faults: Record<string, Fault[]> = {
    'dmesg.txt': [503],
    'vmcore.flat.0001': ['garble', 'lie', 500],
    'vmcore.flat.0002': ['reset', 'reset'],
    'vmcore.flat.0003': ['hang'],
    'summary.json': ['reset'],
  };
  server.fault = (name, attempt) => faults[name]?.[attempt - 1];
  const { status, stdout } = await agent([`${url.replace('://', '://agent:secret@')}/crashes/`]);
  t.equal(status, 0, stdout);
  t.equal(failedAttempts(t, server.received), 8);
  const names = server.received.map(({ name }) => name);
  t.equal(names[0], 'dmesg.txt', 'the log comes first');
  t.equal(names.at(-1), 'summary.json', 'the summary last');
  const basic = `Basic ${Buffer.from('agent:secret').toString('base64')}`;
  t.ok(server.received.every(({ authorization }) => authorization === basic));
  t.notMatch(stdout + stored(server, 'summary.json'), 'secret', 'the password is nowhere else');
  t.equal(stored(server, 'dmesg.txt').toString(), expected.log);
  const summary: Summary = JSON.parse(stored(server, 'summary.json').toString());
  t.equal(summary.dmesg.sha256, sha256(stored(server, 'dmesg.txt')).toString('hex'));
  const parts = summary.dump.parts.map(({ name }) => stored(server, name));
  t.ok(parts.length > 3 && parts.slice(0, -1).every(({ length }) => length === MIB));
  await checkFlattened(t, Buffer.concat(parts), summary);
});

t.test('https: only to a server whose certificate is trusted', async (t) => {
  if (!isInstalled(t)) return;
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert];
  if (spawnSync('openssl', [...request.split(' '), ...names]).status !== 0) return void absent(t, 'openssl');
  const { server, url } = await started(
    t,
    new PutServer({ key: readFileSync(key), cert: readFileSync(cert) }),
  );
  const stranger = await agent(['--attempts', '1', url]);
  t.equal(stranger.status, 1);
  t.match(stranger.stdout, /certificate/);
  t.equal(server.received.length, 0);
  t.equal((await agent([url], { NODE_EXTRA_CA_CERTS: cert })).status, 0);
  const summary: Summary = JSON.parse(stored(server, 'summary.json').toString());
  const stream = Buffer.concat(summary.dump.parts.map(({ name }) => stored(server, name)));
  await checkFlattened(t, stream, summary);
});

t.test('a server that vanishes: the next target', async (t) => {
  if (!isInstalled(t)) return;
  const { server, url } = await started(t, new PutServer());
  server.fault = (name) => {
    if (name === 'vmcore.flat.0003') server.close();
    return undefined;
  };
  const target = join(folder, 'second');
  const { status, stdout } = await agent(['--attempts', '3', `${url}/`, target]);
  t.equal(status, 0, stdout);
  t.match(stdout, /vmcore\.flat\.0003: .*attempt 3 of 3/);
  t.equal(stored(server, 'dmesg.txt').toString(), expected.log, 'the log had arrived');
  t.ok(readFileSync(join(target, readdirSync(target)[0]!, 'vmcore')).equals(readFileSync(expected.dump)));

  const alone = await agent(['--attempts', '2', url]);
  t.equal(alone.status, 1, 'without another one it fails');
  t.match(alone.stdout, /ECONNREFUSED/);
});

t.test('a server that refuses is not asked again', async (t) => {
  if (!isInstalled(t)) return;
  const { server, url } = await started(t, new PutServer());
  server.fault = (name) => (name === 'dmesg.txt' ? undefined : 403);
  t.equal((await agent([url])).status, 1);
  t.same(new Set(server.received.map(({ name }) => name)), new Set(['dmesg.txt', 'vmcore.flat.0001']));
  t.equal(server.received.length, 2);
});

t.test('the size limit: what fits is there, and can be opened', async (t) => {
  if (!isInstalled(t)) return;
  const { server, url } = await started(t, new PutServer());
  const { status } = await agent(['--limit', '3', url]);
  t.equal(status, 1);
  const summary: Summary = JSON.parse(stored(server, 'summary.json').toString());
  t.equal(summary.complete, false);
  t.match(summary.dump.error, /at most/);
  const stream = Buffer.concat(summary.dump.parts.map(({ name }) => stored(server, name)));
  t.ok(stream.length > 2 * MIB && stream.length <= 3 * MIB, `${stream.length} bytes`);
  checkDigests(t, stream, summary);
  const [flat, dump] = [join(folder, 'limit.flat'), join(folder, 'limit.dump')];
  writeFileSync(flat, stream);
  t.equal((await unflatten(flat, dump, { acceptTruncated: true })).complete, false);
  await using partial = await openVmcore(dump);
  await using whole = await openVmcore(core);
  t.equal(partial.vmcoreinfo.osrelease, whole.vmcoreinfo.osrelease);

  const target = join(folder, 'limited');
  t.equal((await agent(['--limit', '3', target])).status, 1);
  const [name] = readdirSync(target);
  t.match(JSON.parse(readFileSync(join(target, name!, 'summary.json'), 'utf8')), { complete: false });
});

t.test('storage that speaks S3', async (t) => {
  if (!isInstalled(t)) return;
  const { server, url } = await started(t, new S3Server());
  const account = {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: 'here',
    AWS_ACCESS_KEY_ID: 'someone',
    AWS_SECRET_ACCESS_KEY: 'secret',
  };
  const faults: Record<string, Fault[]> = { 'vmcore.flat#1': [503, 'garble'], 'vmcore.flat#3': ['reset'] };
  server.fault = (name, attempt) => faults[name]?.[attempt - 1];
  const { status, stdout } = await agent(['--part', '5', 's3://bucket/some/where'], account);
  t.equal(status, 0, stdout);
  t.equal(failedAttempts(t, server.received), 3);
  t.ok([...server.stored.keys()].every((path) => path.startsWith('/bucket/some/where/')));
  t.equal(stored(server, 'dmesg.txt').toString(), expected.log);
  const summary: Summary = JSON.parse(stored(server, 'summary.json').toString());
  await checkFlattened(t, stored(server, 'vmcore.flat'), summary);

  server.fault = (name) => (name === 'vmcore.flat#2' ? 403 : undefined);
  t.equal((await agent(['s3://bucket/refused'], account)).status, 1);
  t.equal(server.uploads.size, 0, 'an upload that failed is not left behind');
});
