// The dead kernel's own symbol table.
import t from 'tap';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { bundledCore, labCore } from '../support/cores.ts';
import { crashSession } from '../support/crash.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(300_000);

/** Text, data, read-only data and a per-CPU variable, which is an offset. */
const names = ['panic', 'init_task', 'poweroff_cmd', 'init_uts_ns', 'sys_call_table', 'runqueues'];

async function find(core: Vmcore, name: string): Promise<string> {
  const [symbol] = await core.findSymbols(name);
  return symbol ? `${symbol.address.toString(16)} ${symbol.size}` : 'none';
}

/** What `sym -n` prints: the symbol and the one behind it. */
function fromCrash(text: string): string {
  const [address, next] = [...text.matchAll(/^([0-9a-f]+) \(/gm)].map(([, hex]) => BigInt(`0x${hex}`));
  return `${address!.toString(16)} ${next! - address!}`;
}

t.test('addresses and sizes are those of crash', async (t) => {
  if (!oracle(t, 'crash')) return;
  const lab = await labCore(t, 'small');
  if (!lab) return;
  if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
  await using core = await openVmcore(lab.path);
  const inMemory = names.filter((name) => name !== 'runqueues');
  const answers = await crashSession(
    lab.vmlinux,
    lab.path,
    inMemory.map((name) => `sym -n ${name}`),
  );
  for (const [i, name] of inMemory.entries()) t.equal(await find(core, name), fromCrash(answers[i]!), name);
  const [percpu] = await core.findSymbols('runqueues');
  t.ok(percpu && percpu.address < 1n << 20n, 'a per-CPU variable has a small offset');
});

t.test('the symbols that VMCOREINFO has are at the same addresses', async (t) => {
  await using core = await openVmcore((await bundledCore()).path);
  for (const name of ['init_uts_ns', '_stext', 'prb', 'mem_section']) {
    const address = core.vmcoreinfo.symbol(name);
    // mem_section is a pointer, and VMCOREINFO has what it points to.
    if (name === 'mem_section') t.not((await core.findSymbols(name))[0]?.address, address);
    else t.equal((await core.findSymbols(name))[0]?.address, address, name);
  }
});

t.test('static symbols may share a name', async (t) => {
  await using core = await openVmcore((await bundledCore()).path);
  const found = await core.findSymbols('__func__.0');
  t.ok(found.length > 1, `${found.length} of them`);
  t.equal(new Set(found.map(({ address }) => address)).size, found.length);
});

t.test('kernels without a table that can be found', async (t) => {
  await using core = await openVmcore(buildKernelCore().elf);
  const [symbol] = await core.findSymbols('init_uts_ns');
  t.match(symbol, { address: core.vmcoreinfo.symbol('init_uts_ns'), size: undefined });
  t.strictSame(await core.findSymbols('panic'), []);
});

t.test('a table that is damaged', async (t) => {
  const [top] = [0xffffffff80000000n + 0x1000000n + 0x34000000n];
  const at = (offset: number) => (top + BigInt(offset)).toString(16);
  const tables = (place: (i: number) => string) => (lines: string[]) => [
    ...lines,
    ...['names', 'num_syms', 'token_table', 'token_index', 'offsets', 'relative_base'].map(
      (name, i) => `SYMBOL(kallsyms_${name})=${place(i)}`,
    ),
  ];
  await using zeros = await openVmcore(
    buildKernelCore({ info: tables((i) => at(0x10000 + i * 0x1000)) }).elf,
  );
  await t.rejects(zeros.findSymbols('panic'), { code: 'ERR_VMCORE_CORRUPT' }, 'no symbols');
  await using unmapped = await openVmcore(buildKernelCore({ info: tables(() => 'ffffffffff000000') }).elf);
  await t.rejects(unmapped.findSymbols('panic'), { code: 'ERR_VMCORE_UNMAPPED' });
});
