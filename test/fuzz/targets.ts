// A target for each parser.
import { parseCpus } from '../../lib/arch/registers.ts';
import { architectureOf } from '../../lib/arch/registry.ts';
import { type CodecName, codec } from '../../lib/codecs/registry.ts';
import { eraseinfoNotes, notesEnd, omitNotes, parseNotes } from '../../lib/formats/notes.ts';
import { makeVmcoreinfo, openVmcore, verifyDump } from '../../lib/index.ts';
import { formatRecord, readKernelLog } from '../../lib/kernel/printk/dmesg.ts';
import { Vmcoreinfo } from '../../lib/kernel/vmcoreinfo.ts';
import type { FakeMemory } from '../kernel/printk/fake-memory.ts';
import { RecordWriter } from '../kernel/printk/record-writer.ts';
import { RingWriter } from '../kernel/printk/ring-writer.ts';
import { textLog } from '../kernel/printk/text-log.ts';
import { notePayload, pattern, vmcoreinfoNote } from '../support/elf-builder.ts';
import { buildKernelCore } from '../support/kernel-core.ts';
import { coded, exerciseCore } from './exercise.ts';
import type { Seed, Target } from './fuzz.ts';
import { kernelTarget } from './kernel-target.ts';
import {
  dumpSeeds,
  elfSeeds,
  flattenedSeeds,
  kdumpSeeds,
  limeSeeds,
  page,
  s390Seeds,
  vmlinuxSeeds,
} from './seeds.ts';

const PAGE = 4096;

/** Files are opened in each way, and used. */
function fileTarget(seeds: () => readonly Seed[] | Promise<readonly Seed[]>): Target {
  return { seeds: async () => seeds(), run: (bytes) => exerciseCore(bytes) };
}

/** A member of which the other one is sound. */
function splitTarget(): Target {
  const others = kdumpSeeds({ startPfn: 12, endPfn: 71 });
  return {
    seeds: async () => kdumpSeeds({ startPfn: 0, endPfn: 12 }),
    async run(bytes) {
      await exerciseCore([bytes, others[0]!.bytes]);
      await exerciseCore([others[0]!.bytes, bytes]);
    },
  };
}

function codecTarget(name: CodecName): Target {
  const into = new Uint8Array(PAGE);
  return {
    async seeds() {
      const pages = [page(1), pattern(PAGE), new Uint8Array(PAGE), Buffer.alloc(PAGE, 'struct page ')];
      const stored = pages.map((bytes) => {
        const room = new Uint8Array(2 * PAGE);
        return room.slice(0, codec(name).compress(bytes, room));
      });
      return stored.filter(({ length }) => length > 0).map((bytes) => ({ bytes, places: [[0, 16]] }));
    },
    async run(bytes) {
      await coded(() => codec(name).decompress(bytes, into));
    },
  };
}

/** The text, and what is asked of it. */
const vmcoreinfoTarget: Target = {
  async seeds() {
    return [{ bytes: Buffer.from(buildKernelCore().vmcoreinfo), places: [] }];
  },
  async run(bytes) {
    const text = Buffer.from(bytes).toString('latin1');
    const info = await coded(() => new Vmcoreinfo(text));
    for (const [key] of info?.entries() ?? []) {
      const name = /\((.*)\)/.exec(key)?.[1] ?? key;
      for (const ask of ['symbol', 'size', 'offset', 'length', 'number', 'bignum'] as const) {
        await coded(() => info![ask](name));
      }
      await coded(() => info!.address(key));
    }
    await exerciseCore(kernelCore(), text);
  },
};

let builtCore: Buffer | undefined;
/** A small kernel's memory. */
function kernelCore(): Buffer {
  builtCore ??= buildKernelCore().elf;
  return builtCore;
}

const notesTarget: Target = {
  async seeds() {
    return [true, false].map((littleEndian) => {
      const eraseinfo = { name: 'ERASEINFO', type: 0, desc: Buffer.from('erase poweroff_cmd 256\n') };
      const status = { name: 'CORE', type: 1, desc: pattern(336) };
      const bytes = notePayload([status, vmcoreinfoNote('OSRELEASE=6.1\n'), eraseinfo, status], littleEndian);
      return { bytes, places: [] };
    });
  },
  run(bytes) {
    for (const littleEndian of [true, false]) {
      const notes = parseNotes(bytes, littleEndian);
      notesEnd(bytes, littleEndian);
      omitNotes(bytes, eraseinfoNotes(notes));
      for (const machine of [62, 22]) {
        parseCpus(notes, architectureOf(machine)!.registers, littleEndian);
      }
    }
  },
};

/** A kernel log, in the pieces of memory that it has. */
interface BuiltLog {
  readonly memory: FakeMemory;
  readonly info: Vmcoreinfo;
}

function logTarget(logs: readonly BuiltLog[]): Target {
  const pieces = logs.map(({ memory }) => memory.pieces.map(({ bytes }) => bytes));
  const originals = pieces.map((parts) => Buffer.concat(parts));
  return {
    async seeds() {
      return originals.map((bytes) => {
        const { length } = bytes;
        return { bytes, places: [[0, 120] as const, [length - 120, length] as const] };
      });
    },
    async run(bytes) {
      for (const [i, { memory, info }] of logs.entries()) {
        if (originals[i]!.length !== bytes.length) continue;
        scatter(bytes, pieces[i]!);
        for (const sinceClear of [false, true]) {
          const log = await coded(() => readKernelLog(memory, info, { sinceClear }));
          for (const record of log?.records ?? []) formatRecord(record);
        }
      }
    },
  };
}

function scatter(bytes: Uint8Array, parts: readonly Uint8Array[]): void {
  let at = 0;
  for (const part of parts) {
    part.set(bytes.subarray(at, at + part.length));
    at += part.length;
  }
}

/** 5.10 and later: of each byte order and word size. */
function ringbufferLogs(): BuiltLog[] {
  return [true, false].flatMap((littleEndian) =>
    ([8, 4] as const).map((word) => {
      const ring = new RingWriter({ littleEndian, word, latched: true });
      for (let i = 0; i < 40; i++) ring.add({ text: `message ${i}`, subsystem: 'pci', device: '+pci:0000' });
      ring.setClearSeq(30n);
      return { memory: ring.memory, info: ring.info() };
    }),
  );
}

/** 3.5 to 5.9: with the callers of messages and without. */
function recordLogs(): BuiltLog[] {
  return [true, false].flatMap((littleEndian) =>
    [true, false].map((caller) => {
      const log = new RecordWriter(littleEndian, { caller, length: caller ? 512 : 1024 });
      for (let i = 0; i < 20; i++)
        log.add({ text: `message ${i}`, dictionary: 'SUBSYSTEM=pci', callerId: i });
      log.setClearIndex(log.indices[15]!);
      return { memory: log.memory, info: log.info() };
    }),
  );
}

/** Before 3.5; the end of the log was a word before 2.6.25. */
function textLogs(): BuiltLog[] {
  const text = Array.from({ length: 40 }, (_, i) => `<6>[   12.345678] message ${i}\n`).join('');
  return [true, false].flatMap((littleEndian) =>
    ['2.6.24', '2.6.32'].map((release) => textLog(text, { littleEndian, length: 1024, release })),
  );
}

const verifyTarget: Target = {
  seeds: dumpSeeds,
  async run(bytes) {
    await coded(() => verifyDump(bytes));
  },
};

/** Whatever a file is, it can be compared with another one. */
const diffTarget: Target = {
  seeds: dumpSeeds,
  async run(bytes) {
    const damaged = await coded(() => openVmcore(bytes, { allowTruncated: true }));
    if (!damaged) return;
    const other = await openVmcore(elfSeeds()[0]!.bytes);
    await coded(() => damaged.diff(other));
    await coded(() => other.diff(damaged, { common: true }));
    await damaged.close();
    await other.close();
  },
};

const vmlinuxTarget: Target = {
  seeds: async () => vmlinuxSeeds(),
  async run(bytes) {
    await coded(() => makeVmcoreinfo(bytes));
  },
};

export const targets: Readonly<Record<string, Target>> = {
  elf: fileTarget(elfSeeds),
  kdump: fileTarget(kdumpSeeds),
  split: splitTarget(),
  flattened: fileTarget(flattenedSeeds),
  lime: fileTarget(limeSeeds),
  's390-dump': fileTarget(s390Seeds),
  vmcoreinfo: vmcoreinfoTarget,
  vmlinux: vmlinuxTarget,
  notes: notesTarget,
  printk: logTarget(ringbufferLogs()),
  'printk-records': logTarget(recordLogs()),
  'printk-text': logTarget(textLogs()),
  kernel: kernelTarget('x86_64'),
  'kernel-s390x': kernelTarget('s390x'),
  zlib: codecTarget('zlib'),
  zstd: codecTarget('zstd'),
  lzo: codecTarget('lzo'),
  snappy: codecTarget('snappy'),
  verify: verifyTarget,
  diff: diffTarget,
};
