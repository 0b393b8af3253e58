// The memory of a real kernel, damaged where its page tables, its log, its symbols and its struct pages are.
import { readFile } from 'node:fs/promises';
import { formatRecord, openVmcore, type Vmcore } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore } from '../support/cores.ts';
import { coded } from './exercise.ts';
import type { Seed, Target } from './fuzz.ts';

const PAGE = 4096;
const SYMBOLS = [
  'prb',
  'clear_seq',
  'init_uts_ns',
  'mem_section',
  'node_data',
  'kallsyms_num_syms',
  '_stext',
];

/** An input is what lies in these pages of the file; the rest is as it was. */
class DamagedCore {
  readonly #bytes: Buffer;
  /** File offsets. */
  readonly #pages: readonly number[];
  readonly addresses: readonly bigint[];

  private constructor(bytes: Buffer, pages: readonly number[], addresses: readonly bigint[]) {
    this.#bytes = bytes;
    this.#pages = pages;
    this.addresses = addresses;
  }

  static async load(path: string): Promise<DamagedCore> {
    const bytes = await readFile(path);
    const core = await openVmcore(bytes);
    const addresses = interestingAddresses(core);
    const paddrs = addresses.flatMap((vaddr) => [
      core.translate(vaddr),
      ...core.walk(vaddr).map(({ entryAddress }) => entryAddress),
    ]);
    const offsets = paddrs.map((paddr) => fileOffset(core, paddr));
    await core.close();
    return new DamagedCore(bytes, [...new Set(offsets)], addresses);
  }

  get seed(): Seed {
    const pages = this.#pages.map((at) => this.#bytes.subarray(at, at + PAGE));
    return { bytes: Buffer.concat(pages), places: [] };
  }

  /** Runs `use` with other bytes in the pages, and puts back what was there. */
  async with(damaged: Uint8Array, use: (bytes: Buffer) => Promise<void>): Promise<void> {
    const { bytes: original } = this.seed;
    this.#write(damaged);
    try {
      await use(this.#bytes);
    } finally {
      this.#write(original);
    }
  }

  #write(pages: Uint8Array): void {
    this.#pages.forEach((at, i) => {
      this.#bytes.set(pages.subarray(i * PAGE, (i + 1) * PAGE), at);
    });
  }
}

/** Variables, and what those of the log point to. */
function interestingAddresses(core: Vmcore): bigint[] {
  const info = core.vmcoreinfo;
  const symbols = SYMBOLS.flatMap((name) => info.symbol(name) ?? []);
  const ring = core.readU64(info.symbol('prb')!);
  const descriptors = BigInt(info.offset('printk_ringbuffer.desc_ring') ?? 0);
  const text = BigInt(info.offset('printk_ringbuffer.text_data_ring') ?? 0);
  const pointers = [
    descriptors + BigInt(info.offset('prb_desc_ring.descs') ?? 0),
    descriptors + BigInt(info.offset('prb_desc_ring.infos') ?? 0),
    text + BigInt(info.offset('prb_data_ring.data') ?? 0),
  ];
  return [...symbols, ring, ...pointers.map((pointer) => core.readU64(ring + pointer))];
}

function fileOffset(core: Vmcore, paddr: number): number {
  const start = paddr - (paddr % PAGE);
  const home = core.segments.find(
    (s) => s.paddr !== undefined && s.paddr <= start && start < s.paddr + s.fileSize,
  );
  return home!.offset + start - home!.paddr!;
}

export function kernelTarget(machine: 'x86_64' | 's390x'): Target {
  let loaded: Promise<DamagedCore> | undefined;
  const load = () => {
    loaded ??= (machine === 'x86_64' ? bundledCore() : bundledS390xCore()).then(({ path }) =>
      DamagedCore.load(path),
    );
    return loaded;
  };
  return {
    seeds: async () => [(await load()).seed],
    async run(damaged) {
      const it = await load();
      await it.with(damaged, (bytes) => useKernel(bytes, it.addresses));
    },
  };
}

async function useKernel(bytes: Buffer, addresses: readonly bigint[]): Promise<void> {
  const core = await openVmcore(bytes);
  try {
    for (const vaddr of addresses) {
      await coded(() => core.translate(vaddr));
      await coded(() => core.vtop(vaddr));
      await coded(() => core.readVirtual(vaddr, 3 * PAGE));
    }
    await coded(() => core.utsname);
    for (const sinceClear of [false, true]) {
      const records = (await coded(() => core.dmesg({ sinceClear }))) ?? [];
      for (const record of records.slice(-100)) formatRecord(record);
    }
    await coded(() => core.findSymbols('init_task'));
    await coded(() => core.classify({ level: 31 }));
    await coded(() => core.explain(1000));
  } finally {
    await core.close();
  }
}
