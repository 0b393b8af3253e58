// A small s390x machine after a crash, as an ELF core: with kernel addresses that are physical ones, as before Linux
// 6.10, or decoupled from them, as they are since then.
import { buildElfCore, type CoreNote, EM_S390, notePayload, vmcoreinfoNote } from './elf-builder.ts';
import { type Generation, generations, pageInfo } from './page-generations.ts';
import { encodePages, type PageFields } from './page-writer.ts';
import { PAGE, PhysicalImage } from './physical-image.ts';
import { type FrameSize, S390xPageTables, type TableType } from './s390x-page-tables.ts';

export interface S390xCoreOptions {
  /** By pfn. Page frames without an entry look like the kernel's own. */
  readonly pages?: ReadonlyMap<number, PageFields>;
  readonly generation?: Generation;
  /** Page frames of memory, from 0 on. Default 32 MiB of them. */
  readonly memoryPages?: number;
  readonly layout?: 'identity' | 'decoupled';
  /** Where the layout is told. Default: in VMCOREINFO, as kernels have it. */
  readonly told?: 'vmcoreinfo' | 'os_info';
  /** Where VMCOREINFO is: in a note, or only where the lowcore points to. */
  readonly vmcoreinfo?: 'note' | 'memory';
  /** Type of the top table. Default: a region-third table, of 3 levels in all. */
  readonly top?: TableType;
  /** Frames of the identity mapping. */
  readonly frame?: FrameSize;
  /** Last changes to memory, before the core is made of it. */
  readonly change?: (memory: PhysicalImage, machine: S390xAddresses) => void;
}

/** Where the parts of the machine are. */
export interface S390xAddresses {
  readonly identityBase: bigint;
  /** KERNELOFFSET: the kernel's text begins 1 MiB behind it. */
  readonly image: bigint;
  readonly imagePhysical: number;
  readonly amode31: bigint;
  readonly vmemmap: bigint;
  readonly osInfo: number;
}

export interface S390xCore extends S390xAddresses {
  readonly elf: Buffer;
  readonly vmcoreinfo: string;
  readonly memory: PhysicalImage;
  /** Page frames below this are the test's, but the first 2 MiB. */
  readonly freePages: number;
}

const MIB = 1 << 20;
const IMAGE_BYTES = 2 * MIB;
/** Where the text begins: what is before it is not the kernel's (arch/s390/boot/startup.c). */
const TEXT_OFFSET = MIB;
const AMODE31_BYTES = 0x3000;
const LOWCORE_BYTES = 0x2000;
/** Of the image: the top table's place and the names', in bytes. */
const TOP_TABLE = TEXT_OFFSET + 0x4000;
const NAMES = TEXT_OFFSET + 0x2000;
const ROOTS = TEXT_OFFSET + 0x3000;
const SECTION_BITS = 28;
const PHYSMEM_BITS = 46;
const SECTION_BYTES = 32; // struct mem_section with page_ext
const PRESENT = 0b1111n; // include/linux/mmzone.h

export function buildS390xCore(options: S390xCoreOptions = {}): S390xCore {
  const memory = new PhysicalImage(options.memoryPages ?? 8192, 0, false);
  const machine = placeMachine(options.layout ?? 'decoupled', memory);
  writeTables(memory, machine, options);
  const generation = options.generation ?? generations['6.12'];
  memory.write(machine.imagePhysical + NAMES, names(generation.release));
  writeSections(memory, machine);
  const vmcoreinfo = `${infoLines(machine, generation, options).join('\n')}\n`;
  const note = notePayload([vmcoreinfoNote(vmcoreinfo)], false);
  const noteAt = memory.allocate(note.length);
  memory.write(noteAt, note);
  memory.setU64(0xe0c, BigInt(noteAt)); // lowcore.vmcore_info
  if (options.layout !== 'identity') writeOsInfo(memory, machine);
  options.change?.(memory, machine);
  const notes = [cpu(0x8000), ...(options.vmcoreinfo === 'memory' ? [] : [vmcoreinfoNote(vmcoreinfo)])];
  const elf = buildElfCore({
    littleEndian: false,
    machine: EM_S390,
    notes: [notes],
    segments: segments(memory, machine),
  });
  return { ...machine, elf, vmcoreinfo, memory, freePages: memory.top / PAGE };
}

function placeMachine(layout: 'identity' | 'decoupled', memory: PhysicalImage): S390xAddresses {
  const imagePhysical = memory.allocate(IMAGE_BYTES, MIB);
  const decoupled = layout === 'decoupled';
  return {
    identityBase: decoupled ? 0x360_0000_0000n : 0n,
    image: decoupled ? 0x3ff_e000_0000n : BigInt(imagePhysical),
    imagePhysical,
    amode31: 0x1_0000n,
    vmemmap: 0x372_0000_0000n,
    osInfo: decoupled ? memory.allocate(PAGE) : 0,
  };
}

/** Lowcore and 31-bit code are mapped to themselves in either layout. */
function writeTables(memory: PhysicalImage, machine: S390xAddresses, options: S390xCoreOptions): void {
  const { identityBase, image, imagePhysical, amode31, vmemmap } = machine;
  const tables = new S390xPageTables(memory, options.top ?? 1, imagePhysical + TOP_TABLE);
  const pages = Array.from({ length: memory.bytes.length / PAGE }, (_, pfn) => options.pages?.get(pfn));
  const structPages = encodePages(options.generation ?? generations['6.12'], pages, false);
  for (let at = 0; at < structPages.length; at += PAGE) {
    const paddr = memory.allocate(PAGE); // goes down, so that neighbours never lie one after another
    memory.write(paddr, structPages.subarray(at, at + PAGE));
    tables.map(vmemmap + BigInt(at), paddr, '4K', 0x100n);
  }
  tables.mapRange(identityBase, 0, memory.bytes.length, options.frame ?? '1M');
  if (identityBase === 0n) return;
  tables.map(image + BigInt(TEXT_OFFSET), imagePhysical + TEXT_OFFSET, '1M', 0x200n);
  tables.mapRange(0n, 0, LOWCORE_BYTES, '4K');
  tables.mapRange(amode31, Number(amode31), AMODE31_BYTES, '4K');
}

function writeSections(
  memory: PhysicalImage,
  { identityBase, imagePhysical, vmemmap }: S390xAddresses,
): void {
  const sections = memory.allocate(PAGE);
  memory.setU64(sections, vmemmap | PRESENT);
  memory.setU64(imagePhysical + ROOTS, identityBase + BigInt(sections));
}

/** struct os_info (arch/s390/include/asm/os_info.h), with a sum over all that follows it. */
function writeOsInfo(
  memory: PhysicalImage,
  { osInfo, identityBase, image, imagePhysical, amode31 }: S390xAddresses,
): void {
  const values = {
    4: identityBase,
    5: image,
    6: BigInt(imagePhysical),
    8: amode31,
    9: amode31 + BigInt(AMODE31_BYTES),
    10: image + BigInt(TEXT_OFFSET),
    11: image + BigInt(IMAGE_BYTES),
    12: BigInt(imagePhysical + TEXT_OFFSET),
  };
  memory.write(osInfo, Buffer.from('OSINFOSZ'));
  for (const [entry, value] of Object.entries(values)) memory.setU64(osInfo + 32 + Number(entry) * 20, value);
  let sum = 0n;
  for (let at = osInfo + 12; at < osInfo + PAGE; at += 4) sum += BigInt(memory.bytes.readUInt32BE(at));
  while (sum > 0xffffffffn) sum = (sum & 0xffffffffn) + (sum >> 32n);
  memory.bytes.writeUInt32BE(Number(sum), osInfo + 8);
  memory.setU64(0xe18, BigInt(osInfo)); // lowcore.os_info
}

function infoLines(machine: S390xAddresses, generation: Generation, options: S390xCoreOptions): string[] {
  const hex = (value: bigint | number) => value.toString(16);
  const at = (offset: number) => hex(machine.image + BigInt(offset));
  const layout = [
    `IDENTITYBASE=${hex(machine.identityBase)}`,
    `KERNELOFFSET=${hex(machine.image)}`,
    `KERNELOFFPHYS=${hex(machine.imagePhysical)}`,
    `SAMODE31=${hex(machine.amode31)}`,
    `EAMODE31=${hex(machine.amode31 + BigInt(AMODE31_BYTES))}`,
  ];
  const told = options.layout !== 'identity' && options.told !== 'os_info';
  return [
    `OSRELEASE=${generation.release}.0-synthetic`,
    `PAGESIZE=${PAGE}`,
    'CRASHTIME=1700000000',
    `SYMBOL(init_uts_ns)=${at(NAMES)}`,
    `SYMBOL(_stext)=${at(TEXT_OFFSET)}`,
    `SYMBOL(swapper_pg_dir)=${at(TOP_TABLE)}`,
    `SYMBOL(mem_section)=${at(ROOTS)}`,
    `LENGTH(mem_section)=${2 ** (PHYSMEM_BITS - SECTION_BITS) / (PAGE / SECTION_BYTES)}`,
    `SIZE(mem_section)=${SECTION_BYTES}`,
    'OFFSET(mem_section.section_mem_map)=0',
    `NUMBER(SECTION_SIZE_BITS)=${SECTION_BITS}`,
    `NUMBER(MAX_PHYSMEM_BITS)=${PHYSMEM_BITS}`,
    ...pageInfo(generation),
    ...(told ? layout : []),
  ];
}

/** struct uts_namespace: the names lie behind a reference count. */
function names(release: string): Buffer {
  const bytes = Buffer.alloc(4 + 6 * 65);
  ['Linux', 'synthetic', `${release}.0-synthetic`, '#1', 's390x', '(none)'].forEach((name, i) => {
    bytes.write(name, 4 + i * 65);
  });
  return bytes;
}

function cpu(pswa: number): CoreNote {
  const desc = Buffer.alloc(336);
  desc.writeInt32BE(1, 32);
  desc.writeBigUInt64BE(BigInt(pswa), 120);
  return { name: 'CORE', type: 1, desc };
}

/** The image once more where it has addresses of its own (arch/s390/kernel/crash_dump.c: text_init(), loads_init()). */
function segments({ bytes }: PhysicalImage, { identityBase, image, imagePhysical }: S390xAddresses) {
  const text = {
    vaddr: image + BigInt(TEXT_OFFSET),
    paddr: imagePhysical + TEXT_OFFSET,
    data: bytes.subarray(imagePhysical + TEXT_OFFSET, imagePhysical + IMAGE_BYTES),
  };
  const ram = { vaddr: identityBase, paddr: 0, data: bytes };
  return identityBase === 0n ? [ram] : [text, ram];
}
