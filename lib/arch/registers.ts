/** Registers of one CPU when the kernel crashed, from its NT_PRSTATUS note. */
export interface CpuRegisters {
  /** Position among the notes: the kernel writes them in the order of its online CPUs. */
  readonly cpu: number;
  /** pr_pid: the task that ran; 0 for the idle task. */
  readonly pid: number;
  /** By the architecture's names. */
  readonly registers: Readonly<Record<string, bigint>>;
}

/** Registers of one width that follow one another. */
export interface RegisterWords {
  /** Offset of the first one in elf_prstatus, in bytes. */
  readonly offset: number;
  readonly bytes: 4 | 8;
  readonly names: readonly string[];
}

/** An architecture's elf_prstatus: its registers, those that come last in the note last. */
export interface PrstatusLayout {
  readonly words: readonly RegisterWords[];
}

/** Offset of pr_pid in struct elf_prstatus of 64-bit machines (include/linux/elfcore.h). */
const PR_PID = 32;

/** The registers of the CPUs whose NT_PRSTATUS descriptors these are; one that is too short to have them is left out. */
export function parseCpus(
  descs: readonly Uint8Array[],
  { words }: PrstatusLayout,
  littleEndian: boolean,
): CpuRegisters[] {
  const last = words.at(-1)!;
  const needed = last.offset + last.names.length * last.bytes;
  return descs.flatMap((desc, cpu) => {
    if (desc.length < needed) return [];
    const view = new DataView(desc.buffer, desc.byteOffset, desc.byteLength);
    const registers = words.flatMap(({ offset, bytes, names }) =>
      names.map((name, i): [string, bigint] => {
        const at = offset + i * bytes;
        return [
          name,
          bytes === 8 ? view.getBigUint64(at, littleEndian) : BigInt(view.getUint32(at, littleEndian)),
        ];
      }),
    );
    return [{ cpu, pid: view.getInt32(PR_PID, littleEndian), registers: Object.fromEntries(registers) }];
  });
}
