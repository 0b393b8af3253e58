import { isPrstatus, type Note, PR_PID } from '../formats/notes.ts';

/** Registers of one CPU when the kernel crashed, from its notes. */
export interface CpuRegisters {
  /** Position among the notes: the kernel writes them in the order of its online CPUs. */
  readonly cpu: number;
  /** pr_pid: the task that ran, 0 for the idle task; on s390x the number of the CPU instead. */
  readonly pid: number;
  /** By the architecture's names; those of notes that the CPU did not leave are absent. */
  readonly registers: Readonly<Record<string, bigint>>;
}

/** Registers of one width that follow one another. */
export interface RegisterWords {
  /** Offset of the first one in the note's descriptor, in bytes. */
  readonly offset: number;
  readonly bytes: 4 | 8 | 16;
  readonly names: readonly string[];
  /** Registers of which these words are the lower 64 bits: the names of those that are the upper ones, and must be known. */
  readonly upper?: readonly string[];
}

/** A note of a CPU beside NT_PRSTATUS, and the registers in it. */
export interface RegisterNote {
  /** The note's type. */
  readonly type: number;
  readonly words: readonly RegisterWords[];
}

/** Where an architecture's registers are. */
export interface RegisterLayout {
  /** In elf_prstatus: those that come last in it last. */
  readonly prstatus: readonly RegisterWords[];
  /** In the notes that follow a CPU's NT_PRSTATUS. */
  readonly notes: readonly RegisterNote[];
}

/** Who a CPU's notes belong to: kernels and QEMU do not agree on which is whose. */
const OWNERS = new Set(['CORE', 'LINUX']);

/** The registers of the CPUs that have an NT_PRSTATUS note; a CPU whose note is too short for them is left out. */
export function parseCpus(
  notes: readonly Note[],
  layout: RegisterLayout,
  littleEndian: boolean,
): CpuRegisters[] {
  return notesByCpu(notes).flatMap(([status, ...others], cpu) => {
    const prstatus = readRegisters(status!.desc, layout.prstatus, {}, littleEndian);
    if (!prstatus) return [];
    let registers = prstatus;
    for (const { type, words } of layout.notes) {
      const note = others.find((other) => OWNERS.has(other.name) && other.type === type);
      registers = (note && readRegisters(note.desc, words, registers, littleEndian)) ?? registers;
    }
    return [{ cpu, pid: viewOf(status!.desc).getInt32(PR_PID, littleEndian), registers }];
  });
}

/** A CPU's notes begin with its NT_PRSTATUS (fs/proc/vmcore.c merges them CPU by CPU; QEMU writes them so). */
function notesByCpu(notes: readonly Note[]): Note[][] {
  const cpus: Note[][] = [];
  for (const note of notes) {
    if (isPrstatus(note)) cpus.push([note]);
    else cpus.at(-1)?.push(note);
  }
  return cpus;
}

/** `known` and those that a descriptor has; undefined when it is too short to have them. */
function readRegisters(
  desc: Uint8Array,
  words: readonly RegisterWords[],
  known: Readonly<Record<string, bigint>>,
  littleEndian: boolean,
): Readonly<Record<string, bigint>> | undefined {
  if (words.some(({ offset, bytes, names }) => desc.length < offset + bytes * names.length)) return undefined;
  const view = viewOf(desc);
  const read = words.flatMap(({ offset, bytes, names, upper }) =>
    names.flatMap((name, i): [string, bigint][] => {
      const word = readWord(view, offset + i * bytes, bytes, littleEndian);
      if (!upper) return [[name, word]];
      const high = known[upper[i]!];
      return high === undefined ? [] : [[name, (high << 64n) | word]];
    }),
  );
  return { ...known, ...Object.fromEntries(read) };
}

function readWord(view: DataView, at: number, bytes: 4 | 8 | 16, littleEndian: boolean): bigint {
  if (bytes === 4) return BigInt(view.getUint32(at, littleEndian));
  if (bytes === 8) return view.getBigUint64(at, littleEndian);
  const [low, high] = littleEndian ? [at, at + 8] : [at + 8, at];
  return (view.getBigUint64(high, littleEndian) << 64n) | view.getBigUint64(low, littleEndian);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
