// Virtual addresses of every kind lead to the physical address and the bytes that drgn finds there.
import t, { type Test } from 'tap';
import { isVmcoreError, openVmcore, type Vmcore } from '../../lib/index.ts';
import { x86Cores } from '../support/cores.ts';
import { type AddressSample, sampleAddresses } from '../support/drgn.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(600_000);

const samplesOfKind = 2000;

/** The result, or the code of the VmcoreError that was thrown. */
function resultOrCode<T>(f: () => T): T | string {
  try {
    return f();
  } catch (error) {
    if (isVmcoreError(error)) return error.code;
    throw error;
  }
}

/** What is wrong with our answers for this address; undefined when nothing is. */
function disagreement(core: Vmcore, { kind, vaddr, paddr, bytes }: AddressSample): string | undefined {
  const place = `${kind} ${vaddr.toString(16)}`;
  const translated = resultOrCode(() => core.translate(vaddr));
  if (translated !== (paddr ?? 'ERR_VMCORE_UNMAPPED'))
    return `${place}: translated to ${translated}, not ${paddr}`;
  const read = resultOrCode(() => Buffer.from(core.readVirtual(vaddr, bytes?.length ?? 1)));
  if (typeof read !== 'string') return bytes?.equals(read) ? undefined : `${place}: other bytes`;
  const expected = paddr === undefined ? 'ERR_VMCORE_UNMAPPED' : 'ERR_VMCORE_NOT_PRESENT';
  return bytes === undefined && read === expected ? undefined : `${place}: ${read}`;
}

function compare(t: Test, core: Vmcore, kind: string, samples: AddressSample[]): void {
  const wrong = samples.map((sample) => disagreement(core, sample)).filter((text) => text !== undefined);
  t.same(wrong.slice(0, 8), [], `${samples.length} addresses: ${kind}`);
}

for (const { name, path, vmlinux } of await x86Cores()) {
  t.test(name, async (t) => {
    if (!oracle(t, 'drgn')) return;
    const samples = await sampleAddresses(path, samplesOfKind, vmlinux);
    const core = await openVmcore(path);
    t.teardown(() => core.close());
    const byKind = new Map<string, AddressSample[]>();
    for (const sample of samples) {
      const kind = `${sample.kind}, ${sample.page} bytes mapped at once`;
      byKind.set(kind, [...(byKind.get(kind) ?? []), sample]);
    }
    for (const [kind, group] of byKind) compare(t, core, kind, group);
    const kinds = new Set(samples.map(({ kind }) => kind));
    for (const kind of ['direct', 'vmalloc', 'vmemmap', 'text', 'modules', 'unmapped'] as const)
      t.ok(kinds.has(kind), `the sample has ${kind}`);
    t.equal(
      kinds.has('percpu'),
      vmlinux !== undefined,
      'and per-CPU variables where there is debug information',
    );
  });
}
