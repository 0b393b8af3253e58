import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { openVmcore, unflatten } from '../lib/index.ts';
import { bundledCore } from './support/cores.ts';

const run = promisify(execFile);
const core = await bundledCore();
const folder = t.testdir();

async function example(name: string, ...args: string[]): Promise<string> {
  const program = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url));
  const { stdout } = await run(process.execPath, [program, core.path, ...args]);
  return stdout;
}

t.test('each example is short, and run here', async (t) => {
  const sources = new URL('../../examples/', import.meta.url);
  const tests = readFileSync(fileURLToPath(import.meta.url), 'utf8');
  for (const file of (await readdir(sources)).filter((name) => name.endsWith('.ts'))) {
    t.ok(
      readFileSync(new URL(file, sources), 'utf8').split('\n').length <= 41,
      `${file} has at most 40 lines`,
    );
    t.ok(tests.includes(`example('${file.replace('.ts', '')}'`), `${file} is run`);
  }
});

t.test('read-symbol', async (t) => {
  const lines = (await example('read-symbol')).split('\n');
  t.equal(lines[0], 'Linux');
  t.match(lines[2], /^6\.1\.0-\d+-cloud-amd64$/);
  t.match(lines[6], /^init_uts_ns is at 0xffffffff[0-9a-f]{8}, in page \d+$/);
});

t.test('list-pages', async (t) => {
  const total = /^(\d+) free pages in (\d+) runs/m.exec(await example('list-pages', 'free'));
  t.ok(Number(total?.[1]) > Number(total?.[2]));
});

t.test('dump', async (t) => {
  const dump = join(folder, 'dump');
  t.match(await example('dump', dump), /bytes became/);
  t.ok((await stat(dump)).size < core.size / 2);
});

t.test('progress-and-abort', async (t) => {
  const output = await example('progress-and-abort', join(folder, 'watched'));
  t.match(output, /^(\w+): \d+ of \d+ pages$/m);
  t.match(output, /is complete\n$/);
  t.match(await example('progress-and-abort', join(folder, 'aborted'), '50'), /marked incomplete\n$/);
});

t.test('measure-access', async (t) => {
  const output = await example('measure-access');
  t.match(output, /^ +0 {2}read +0 +0 +\d+ +\d+ {2}0 KiB$/m);
  t.match(output, /^ +31 {2}auto +\d+ +\d+ +\d+ +\d+ {2}\d+ KiB$/m);
});

t.test('upload', async (t) => {
  const received = join(folder, 'received');
  const server = createServer(async (request, response) => {
    const { complete } = await unflatten(request, received);
    response.writeHead(complete ? 201 : 400).end();
  });
  t.teardown(() => server.close());
  await once(server.listen(0), 'listening');
  const { port } = server.address() as AddressInfo;
  t.match(await example('upload', `http://localhost:${port}/`), /bytes were sent, the server says 201/);
  await using dump = await openVmcore(received);
  t.equal(dump.format, 'kdump');
});
