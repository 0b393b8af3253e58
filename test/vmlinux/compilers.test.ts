// What compilers write of kernel-like structures, in all ways that a kernel can be configured to. makedumpfile -g reads
// the same programs.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeVmcoreinfo } from '../../lib/index.ts';
import { absent, oracle, programs, root, run } from '../support/oracles.ts';
import { differenceFromMakedumpfile } from './makedumpfile-lines.ts';

const source = join(root, 'test/vmlinux/programs/kernel.c');
const folder = t.testdir();
const at = (name: string) => join(folder, name);

async function compile(
  t: Test,
  compiler: string,
  name: string,
  options: readonly string[],
): Promise<boolean> {
  if (spawnSync(compiler, ['--version']).status !== 0) return absent(t, compiler);
  await run(compiler, [...options, '-no-pie', '-o', at(name), source]);
  return true;
}

const ways = [
  '-gdwarf-2 -gstrict-dwarf',
  '-gdwarf-3',
  '-gdwarf-4',
  '-gdwarf-5',
  '-gdwarf-5 -gdwarf64',
  '-gdwarf-4 -gz=zlib',
  '-gdwarf-5 -gz=zlib',
  '-gdwarf-5 -fno-merge-debug-strings',
];

for (const way of ways) {
  t.test(`gcc ${way}`, async (t) => {
    const name = way.replaceAll(/[ =]/g, '');
    if (!oracle(t, 'makedumpfile') || !(await compile(t, 'gcc', name, ['-O1', ...way.split(' ')]))) return;
    const { text } = await makeVmcoreinfo(at(name));
    await run(programs.makedumpfile, ['-g', at(`${name}.theirs`), '-x', at(name)]);
    t.same(differenceFromMakedumpfile(text, readFileSync(at(`${name}.theirs`), 'utf8')), []);
    t.match(text, /^LENGTH\(node_data\)=64$/m);
    t.match(text, /^NUMBER\(PAGE_OFFLINE_MAPCOUNT_VALUE\)=-257$/m);
  });
}

t.test('zstd', async (t) => {
  if (!(await compile(t, 'gcc', 'plain', ['-g']))) return;
  await run('objcopy', ['--compress-debug-sections=zstd', at('plain'), at('zstd')]);
  t.equal((await makeVmcoreinfo(at('zstd'))).text, (await makeVmcoreinfo(at('plain'))).text);
});

t.test('for s390x, the layouts are the same', async (t) => {
  if (!(await compile(t, 'gcc', 'native', ['-g', '-O1']))) return;
  if (!(await compile(t, 's390x-linux-gnu-gcc', 's390x', ['-g', '-O1']))) return;
  const layouts = async (name: string) =>
    (await makeVmcoreinfo(at(name))).text.split('\n').filter((line) => !/^(SYMBOL|BUILD-ID)/.test(line));
  t.same(await layouts('s390x'), await layouts('native'));
});

t.test('what is not read is refused', async (t) => {
  const refused: [string, RegExp][] = [
    ['-g -fdebug-types-section', /types in units of their own/],
    ['-gdwarf-4 -fdebug-types-section', /types in units of their own/],
    ['-g -gsplit-dwarf', /no struct page.*CONFIG_DEBUG_INFO_SPLIT/],
    ['-gdwarf-4 -gsplit-dwarf', /no struct page.*CONFIG_DEBUG_INFO_SPLIT/],
    ['-g0', /has no debug information/],
  ];
  for (const [way, message] of refused) {
    if (!(await compile(t, 'gcc', 'refused', way.split(' ')))) return;
    await t.rejects(makeVmcoreinfo(at('refused')), { code: 'ERR_VMCORE_FORMAT', message }, way);
  }
});
