// Virtual addresses of a big-endian kernel lead to the bytes that libkdumpfile finds there.
import t from 'tap';
import { isVmcoreError, openVmcore } from '../../lib/index.ts';
import { bundledS390xCore } from '../support/cores.ts';
import { virtualBytes as readByDrgn } from '../support/drgn.ts';
import { VIRTUAL_LENGTH, virtualBytes } from '../support/libkdumpfile.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(600_000);

const PAGE = 4096n;
/** vmalloc, modules and vmemmap lie above all memory, below 2^53: what a 3- or 4-level kernel can map. */
const ABOVE_MEMORY = 1n << 32n;
const HIGHEST = 1n << 53n;

t.test('addresses in all of memory, and those above it that memory points to', async (t) => {
  if (!oracle(t, 'libkdumpfile')) return;
  const { path } = await bundledS390xCore();
  await using core = await openVmcore(path);
  t.equal(core.arch, 's390x');
  const memory = core.maxPfn * core.pageSize;
  const identity = Array.from({ length: 3000 }, (_, i) => BigInt(Math.floor((i * memory) / 3000)) & ~7n);
  const pointers = new Set<bigint>();
  for (let paddr = 0; paddr < memory; paddr += core.pageSize) {
    const page = core.readPhysical(paddr, core.pageSize);
    const view = new DataView(page.buffer);
    for (let at = 0; at < page.length; at += 8) {
      const word = view.getBigUint64(at);
      if (word >= ABOVE_MEMORY && word < HIGHEST) pointers.add(word - (word % PAGE));
    }
  }
  const addresses = [...identity, ...pointers];
  const theirs = await virtualBytes(path, addresses);
  const found = { same: 0, neither: 0 };
  for (const [i, address] of addresses.entries()) {
    const [mine, their] = [tryRead(address), theirs[i]];
    if (mine && their?.equals(mine)) found.same++;
    else if (!mine && !their) found.neither++;
    else
      t.fail(
        `${address.toString(16)}: ${mine && Buffer.from(mine).toString('hex')}, libkdumpfile ${their?.toString('hex')}`,
      );
  }
  t.comment(JSON.stringify({ ...found, pointers: pointers.size }));
  t.ok(found.same > identity.length + 500, `${found.same} equal`);
  t.ok(found.neither > 100, `${found.neither} not mapped`);

  function tryRead(address: bigint): Uint8Array | undefined {
    try {
      return core.readVirtual(address, VIRTUAL_LENGTH);
    } catch (error) {
      if (isVmcoreError(error, 'ERR_VMCORE_UNMAPPED') || isVmcoreError(error, 'ERR_VMCORE_NOT_PRESENT'))
        return;
      throw error;
    }
  }
});

t.test('drgn reads the same: not all versions of it read page tables of s390x', async (t) => {
  if (!oracle(t, 'drgn')) return;
  const { path } = await bundledS390xCore();
  await using core = await openVmcore(path);
  const memory = core.maxPfn * core.pageSize;
  const addresses = Array.from({ length: 4000 }, (_, i) => BigInt(Math.floor((i * memory) / 4000)) & ~7n);
  const theirs = await readByDrgn(path, addresses);
  const differing = addresses.filter((address, i) => {
    const their = theirs[i];
    return their && !their.equals(core.readVirtual(address, VIRTUAL_LENGTH));
  });
  t.same(differing, []);
  t.ok(theirs.filter((their) => their !== undefined).length > 3900);
});

t.test('the registers of the CPU that crashed', async (t) => {
  await using core = await openVmcore((await bundledS390xCore()).path);
  const [cpu] = core.cpus;
  t.equal(core.cpus.length, 1);
  t.match(
    core.walk(cpu!.registers.pswa!).map(({ level }) => level),
    ['region third', 'segment'],
  );
  // PRSTATUS, floating-point, control and vector registers, timer, todcmp, todpreg, prefix.
  t.equal(Object.keys(cpu!.registers).length, 2 + 16 + 16 + 1 + 17 + 16 + 32 + 4);
});
