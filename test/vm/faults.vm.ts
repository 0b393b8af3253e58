// What a dump leaves when something goes wrong while it is written, in a capture kernel: `npm run test:vm -- faults`.
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { labDir, run } from '../support/oracles.ts';
import { crash } from './remains.ts';

t.setTimeout(3_600_000);

const MIB = 1 << 20;
const SECTOR = 512;
/** Exit status of `vmcore dump` and `vmcore verify`. */
const [OK, FAILED, INCOMPLETE, SIGTERM] = [0, 1, 3, 143];

const folder = join(labDir, 'crash-faults');
const file = (name: string) => join(folder, name);

/** An ext4 file system in a file of so many MiB. */
async function makeDisk(name: string, size: number): Promise<void> {
  writeFileSync(file(name), '');
  truncateSync(file(name), size * MIB);
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  await run('mke2fs', ['-q', '-F', '-t', 'ext4', file(name)], { env });
}

/** QEMU's blkdebug: writes of these sectors fail, again and again. */
function failingWrites(sectors: readonly number[]): string {
  const rule = (sector: number) =>
    `[inject-error]\nevent = "none"\niotype = "write"\nerrno = "5"\nsector = "${sector}"\nonce = "off"\n`;
  return sectors.map(rule).join('\n');
}

t.test('faults', async (t) => {
  mkdirSync(folder, { recursive: true });
  t.teardown(() => {
    for (const name of ['full.img', 'bad.img', 'bad.conf']) rmSync(file(name), { force: true });
  });
  await makeDisk('full.img', 224);
  await makeDisk('bad.img', 1024);
  const sectors = Array.from({ length: 512 }, (_, i) => ((256 + i) * MIB) / SECTOR);
  writeFileSync(file('bad.conf'), failingWrites(sectors));
  const disk = (name: string, image: string) =>
    `-drive if=none,id=${name},format=raw,werror=report,file=${image} -device virtio-blk-pci,drive=${name},serial=${name}`;
  const qemu = `${disk('full', file('full.img'))} ${disk('bad', `blkdebug:${file('bad.conf')}:${file('bad.img')}`)}`;

  const remains = await crash(t, 'brief', 'faults.sh', [`qemu=${qemu}`]);
  const results = remains.text('faults.txt').trim().split('\n');
  t.same(
    Object.fromEntries(results.map((line) => [line.split(' ')[0], line.split(' ').slice(1)])),
    {
      'next-level': [OK, OK, 31].map(String),
      full: [FAILED, INCOMPLETE, 0].map(String),
      'io-error': [FAILED, INCOMPLETE, 0].map(String),
      sigterm: [SIGTERM, INCOMPLETE, 0].map(String),
      'memory-pressure': [OK, OK, 31].map(String),
    },
    'exit status of dump and verify, and the level',
  );
});
