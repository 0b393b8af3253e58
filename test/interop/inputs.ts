// One file, or set of files, of everything that can be opened.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openVmcore, type Vmcore } from '../../lib/index.ts';
import { bundledCore, bundledS390xCore } from '../support/cores.ts';
import { notePayload, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildKdump, type KdumpLayoutName, type KdumpShape } from '../support/kdump-builder.ts';
import { readKdump } from '../support/kdump-file.ts';
import { buildElf32, buildLime } from '../support/memory-dumps.ts';
import { labDir, programs, run } from '../support/oracles.ts';
import { buildS390Dump, segmentsOf } from '../support/s390-dump-builder.ts';
import { outputKinds, writeOutput } from './outputs.ts';
import { recodeQemuDump } from './qemu-recode.ts';

type Source = string | Uint8Array;

export interface InputKind {
  readonly name: string;
  readonly writer: 'the kernel' | 'vmcore' | 'makedumpfile' | 'QEMU' | 'QEMU, recoded' | 'test code';
  /** Each of the sources is opened for itself; a list of files is a set. */
  sources(folder: string): Promise<readonly (Source | readonly string[])[]>;
}

const PAGE = 4096;
const codecNames = ['none', 'zlib', 'lzo', 'snappy', 'zstd'] as const;
const layoutNames = {
  '64': '64-bit',
  packed: '32-bit as on i386',
  padded: '32-bit as on arm',
} as const satisfies Record<KdumpLayoutName, string>;
const byteOrder = (littleEndian: boolean) => (littleEndian ? 'little-endian' : 'big-endian');

function kdumpShape(changes: Partial<KdumpShape>): Buffer {
  const { littleEndian = true, version = 6 } = changes;
  const info = Buffer.from('OSRELEASE=6.1.0\nPAGESIZE=4096\n');
  const notes = version === 3 ? info : notePayload([vmcoreinfoNote(info.toString())], littleEndian);
  const vmcoreinfo = { offset: version === 3 ? 0 : notes.indexOf(info), size: info.length };
  const pages = new Map(
    Array.from({ length: 40 }, (_, pfn) => [
      pfn + 3,
      Buffer.concat([pattern(100, pfn), Buffer.alloc(PAGE - 100)]),
    ]),
  );
  return buildKdump({
    maxMapnr: 50,
    pages,
    notes,
    vmcoreinfo,
    compression: (pfn) => codecNames[pfn % 5]!,
    ...changes,
  });
}

/** Every version, with pages of every codec. */
const builtKdumps = (['64', 'packed', 'padded'] as const).flatMap((layout) =>
  [true, false].map(
    (littleEndian): InputKind => ({
      name: `kdump-compressed, versions 0 to 6, ${layoutNames[layout]}, ${byteOrder(littleEndian)}`,
      writer: 'test code',
      sources: async () =>
        [0, 1, 2, 3, 4, 5, 6].map((version) => kdumpShape({ layout, littleEndian, version })),
    }),
  ),
);

const elf32s = [true, false].map(
  (littleEndian): InputKind => ({
    name: `ELF32, ${byteOrder(littleEndian)}`,
    writer: 'test code',
    sources: async () => [buildElf32([{ paddr: PAGE, data: pattern(20 * PAGE) }], littleEndian)],
  }),
);

/** Of a big-endian core. */
const ours = outputKinds.map(
  (kind): InputKind => ({
    name: `${kind.form}, big-endian`,
    writer: 'vmcore',
    async sources(folder) {
      await using core = await openVmcore((await bundledS390xCore()).path);
      return [(await writeOutput(core, kind, folder, { level: 31 })).files];
    },
  }),
);

const cutOff: InputKind = {
  name: 'kdump-compressed, zlib, cut off',
  writer: 'vmcore',
  async sources(folder) {
    await using core = await openVmcore((await bundledCore()).path);
    const { files } = await writeOutput(core, outputKinds[1]!, folder, { level: 31 });
    const bytes = await readFile(files[0]!);
    await writeFile(files[0]!, bytes.subarray(0, bytes.length * 0.6));
    return [files];
  },
};

/** As forms are called. */
function codecName(path: string): string {
  const { codec } = readKdump(path);
  return codec === 'none' ? 'raw' : codec;
}

/** @throws Error where it has silently stored the pages raw: not every makedumpfile has every codec. */
function madeByMakedumpfile(form: string, options: string, members = 1): InputKind {
  return {
    name: form,
    writer: 'makedumpfile',
    async sources(folder) {
      const files = Array.from({ length: members }, (_, i) => join(folder, `makedumpfile${i}`));
      const out = options.includes('-F') ? `> ${files[0]}` : files.join(' ');
      const core = (await bundledCore()).path;
      await run('sh', [
        '-c',
        `${programs.makedumpfile} --message-level 0 -f ${options} -d 31 ${core} ${out}`,
      ]);
      if (form.startsWith('kdump') && !form.includes(codecName(files[0]!)))
        throw new Error(`makedumpfile wrote no ${form}`);
      return [files];
    },
  };
}

/** An input that is a file, which other programs open too. */
interface FileKind extends InputKind {
  files(folder: string): Promise<readonly string[]>;
}

function qemuKind(
  name: string,
  writer: InputKind['writer'],
  file: (folder: string) => Promise<string>,
): FileKind {
  const files = async (folder: string) => [await file(folder)];
  return { name, writer, files, sources: files };
}

async function recoded(codec: 'lzo' | 'snappy', folder: string): Promise<string> {
  const path = join(folder, `qemu-${codec}`);
  await writeFile(path, recodeQemuDump(await readFile(join(labDir, 'qemu/zlib')), codec));
  return path;
}

/** test/vm/make-qemu-dumps.sh makes them. */
export const qemuKinds: readonly FileKind[] = [
  qemuKind('ELF64', 'QEMU', async () => join(labDir, 'qemu/elf')),
  qemuKind('ELF64 by page tables (-p)', 'QEMU', async () => join(labDir, 'qemu/paging')),
  qemuKind('flattened kdump, zlib (-z)', 'QEMU', async () => join(labDir, 'qemu/zlib')),
  qemuKind('flattened kdump, lzo (-l)', 'QEMU, recoded', (folder) => recoded('lzo', folder)),
  qemuKind('flattened kdump, snappy (-s)', 'QEMU, recoded', (folder) => recoded('snappy', folder)),
];

/** The first 16 MiB of a core. */
function memoryOf(core: Vmcore): Buffer {
  const memory = Buffer.alloc(16 << 20);
  for (let at = 0; at < memory.length; at += PAGE) {
    const page = memory.subarray(at, at + PAGE);
    try {
      core.readPhysical(at, page);
    } catch {
      page.fill(0);
    }
  }
  return memory;
}

const lime: InputKind = {
  name: 'LiME',
  writer: 'test code',
  async sources() {
    await using core = await openVmcore((await bundledCore()).path);
    return [buildLime([{ paddr: 0, data: memoryOf(core) }])];
  },
};

const s390: InputKind = {
  name: 's390 stand-alone dump',
  writer: 'test code',
  async sources() {
    await using core = await openVmcore((await bundledS390xCore()).path);
    const memory = memoryOf(core);
    const kinds = [undefined, segmentsOf(memory, false), segmentsOf(memory, true)];
    return kinds.map((segments) => buildS390Dump({ memory, ...(segments && { segments }) }));
  },
};

export const inputKinds: readonly InputKind[] = [
  { name: 'ELF64', writer: 'the kernel', sources: async () => [(await bundledCore()).path] },
  { name: 'ELF64, big-endian', writer: 'the kernel', sources: async () => [(await bundledS390xCore()).path] },
  ...elf32s,
  ...builtKdumps,
  {
    name: 'kdump-compressed, single bitmap',
    writer: 'test code',
    sources: async () => [kdumpShape({ singleBitmap: true })],
  },
  ...ours,
  cutOff,
  madeByMakedumpfile('kdump-compressed, raw', ''),
  madeByMakedumpfile('kdump-compressed, zlib', '-c'),
  madeByMakedumpfile('kdump-compressed, lzo', '-l'),
  madeByMakedumpfile('kdump-compressed, zlib, split set', '--split -c', 2),
  madeByMakedumpfile('ELF64', '-E'),
  madeByMakedumpfile('flattened kdump, zlib', '-F -c'),
  madeByMakedumpfile('flattened ELF64', '-F -E'),
  ...qemuKinds,
  lime,
  s390,
];
