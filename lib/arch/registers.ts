/** Registers of one CPU when the kernel crashed, from its NT_PRSTATUS note. */
export interface CpuRegisters {
  /** Position among the notes: the kernel writes them in the order of its online CPUs. */
  readonly cpu: number;
  /** pr_pid: the task that ran; 0 for the idle task. */
  readonly pid: number;
  /** By the architecture's names. */
  readonly registers: Readonly<Record<string, bigint>>;
}

/** An architecture's elf_prstatus: where pr_reg begins, in bytes, and its 64-bit registers in order. */
export interface PrstatusLayout {
  readonly registersOffset: number;
  readonly names: readonly string[];
}

/** Offset of pr_pid in struct elf_prstatus of 64-bit machines (include/linux/elfcore.h). */
const PR_PID = 32;

/** The registers of the CPUs whose NT_PRSTATUS descriptors these are; one that is too short to have them is left out. */
export function parseCpus(
  descs: readonly Uint8Array[],
  layout: PrstatusLayout,
  littleEndian: boolean,
): CpuRegisters[] {
  return descs.flatMap((desc, cpu) => {
    if (desc.length < layout.registersOffset + layout.names.length * 8) return [];
    const view = new DataView(desc.buffer, desc.byteOffset, desc.byteLength);
    const registers = layout.names.map((name, i): [string, bigint] => [
      name,
      view.getBigUint64(layout.registersOffset + i * 8, littleEndian),
    ]);
    return [{ cpu, pid: view.getInt32(PR_PID, littleEndian), registers: Object.fromEntries(registers) }];
  });
}
