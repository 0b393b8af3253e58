// A small x86_64 machine after a crash, as an ELF core: page tables, mem_map and VMCOREINFO around a list of pages.
import { buildElfCore, type CoreNote, vmcoreinfoNote } from './elf-builder.ts';
import { type Generation, generations, pageInfo } from './page-generations.ts';
import { type LeafSize, PageTableBuilder } from './page-table-builder.ts';
import { encodePages, type PageFields } from './page-writer.ts';
import { PAGE, PhysicalImage } from './physical-image.ts';

export interface KernelCoreOptions {
  /** By pfn. Page frames without an entry look like the kernel's own. */
  readonly pages?: ReadonlyMap<number, PageFields>;
  readonly generation?: Generation;
  /** Page frames of memory, from 0 on. Default 32 MiB of them. */
  readonly memoryPages?: number;
  /** Page frames from 0 on whose contents are held, where memory is too large for that. Default: all. */
  readonly imagePages?: number;
  readonly levels?: 4 | 5;
  readonly smeMask?: bigint;
  /** Leaves of the direct map. */
  readonly leaf?: LeafSize;
  readonly kernelOffset?: bigint;
  /** Whether struct pages lie behind large pages of vmemmap, or behind small ones in no order. */
  readonly vmemmap?: 'large' | 'scattered';
  readonly memoryModel?: 'extreme' | 'extreme-pointer' | 'flat-sections' | 'flatmem';
  /** SECTION_SIZE_BITS. */
  readonly sectionBits?: number;
  /** Flags of section_mem_map. Default: present, mem_map, online, early. */
  readonly sectionFlags?: (section: number) => bigint;
  /** Page frames whose struct pages' page of vmemmap is not mapped; needs it scattered. */
  readonly unmapped?: readonly number[];
  /** Ranges of page frames without a PT_LOAD, as [first, behind the last]. */
  readonly holes?: readonly (readonly [number, number])[];
  /** Last changes to VMCOREINFO's lines. */
  readonly info?: (lines: string[]) => string[];
}

export interface KernelCore {
  readonly elf: Buffer;
  readonly vmcoreinfo: string;
  /** Page frames below this are the test's. */
  readonly freePages: number;
  readonly memory: PhysicalImage;
}

const startKernelMap = 0xffffffff80000000n;
const imageStart = 0x1000000n;
export const imageBytes = 2 ** 21;
const directMap = { 4: 0xffff888000000000n, 5: 0xff11000000000000n };
const vmemmapStart = { 4: 0xffffea0000000000n, 5: 0xffd4000000000000n };
const physmemBits = 46;
const sectionSize = 32; // struct mem_section with page_ext
const sectionFlags = 0b1111n; // present, has mem_map, online, early: include/linux/mmzone.h

/** What is needed to write one part of the machine after another. */
export interface Machine {
  readonly options: KernelCoreOptions;
  readonly generation: Generation;
  readonly memory: PhysicalImage;
  readonly tables: PageTableBuilder;
  readonly sections: number;
  readonly perSection: number;
  /** Physical address of the kernel's image, and the virtual one. */
  readonly image: number;
  readonly imageVaddr: bigint;
  readonly directMap: bigint;
  readonly vmemmap: bigint;
}

export function buildKernelCore(options: KernelCoreOptions = {}): KernelCore {
  const machine = newMachine(options);
  const { memory } = machine;
  writeMemMap(machine);
  const { vmcoreinfo, notes } = describeMachine(machine);
  const elf = buildElfCore({ notes: [notes], segments: segments(machine) });
  return { elf, vmcoreinfo, freePages: memory.top / PAGE, memory };
}

/** Writes all that the kernel keeps of itself but struct pages, and says where it is. */
export function describeMachine(machine: Machine): { vmcoreinfo: string; notes: CoreNote[] } {
  const { memory, tables, image, imageVaddr, options } = machine;
  tables.map(imageVaddr, image, '2M');
  tables.mapRange(machine.directMap, 0, memory.bytes.length, options.leaf ?? '2M');
  memory.write(image + 0x2000, utsname(machine.generation.release));
  const modelInfo = writeMemoryModel(machine);
  const lines = [...commonInfo(machine), ...pageInfo(machine.generation), ...modelInfo];
  const vmcoreinfo = `${(options.info?.(lines) ?? lines).join('\n')}\n`;
  return { vmcoreinfo, notes: [prstatus(), vmcoreinfoNote(vmcoreinfo)] };
}

export function newMachine(options: KernelCoreOptions): Machine {
  const { levels = 4, smeMask = 0n, memoryPages = 8192, kernelOffset = 0x34000000n } = options;
  const memory = new PhysicalImage(options.imagePages ?? memoryPages);
  const image = memory.allocate(imageBytes, imageBytes);
  const perSection = 2 ** (options.sectionBits ?? 27) / PAGE;
  return {
    options,
    generation: options.generation ?? generations['6.2'],
    memory,
    // The kernel's top table is part of its image.
    tables: new PageTableBuilder(memory, { levels, smeMask, root: image + PAGE }),
    sections: Math.ceil(memoryPages / perSection),
    perSection,
    image,
    imageVaddr: startKernelMap + imageStart + kernelOffset,
    directMap: directMap[levels],
    vmemmap: vmemmapStart[levels],
  };
}

/** struct pages of whole sections, as far as there is memory or the last section goes. */
function writeMemMap(machine: Machine): void {
  const { options, generation, memory, tables, vmemmap } = machine;
  const count = machine.sections * machine.perSection;
  const pages = Array.from({ length: count }, (_, pfn) => options.pages?.get(pfn));
  const bytes = encodePages(generation, pages);
  const scattered = options.vmemmap === 'scattered';
  const step = scattered ? PAGE : 2 ** 21;
  const absent = new Set(options.unmapped?.map((pfn) => Math.floor((pfn * generation.size) / PAGE)));
  for (let at = 0; at < bytes.length; at += step) {
    if (scattered && absent.has(at / PAGE)) continue;
    const paddr = memory.allocate(step, step); // goes down, so that neighbours never lie one after another
    memory.write(paddr, bytes.subarray(at, at + step));
    tables.map(vmemmap + BigInt(at), paddr, scattered ? '4K' : '2M');
  }
}

/** mem_section or mem_map, and the lines about it. */
function writeMemoryModel(machine: Machine): string[] {
  const { memory, image, vmemmap, options } = machine;
  const model = options.memoryModel ?? 'extreme';
  const variable = `${(machine.imageVaddr + 0x3000n).toString(16)}`;
  if (model === 'flatmem') {
    memory.setU64(image + 0x3000, vmemmap);
    return [`SYMBOL(mem_map)=${variable}`];
  }
  const info = [
    `SIZE(mem_section)=${sectionSize}`,
    'OFFSET(mem_section.section_mem_map)=0',
    `NUMBER(MAX_PHYSMEM_BITS)=${physmemBits}`,
    `NUMBER(SECTION_SIZE_BITS)=${options.sectionBits ?? 27}`,
  ];
  if (model === 'flat-sections') {
    memory.write(image + 0x3000, encodeSections(machine));
    return [...info, `LENGTH(mem_section)=${machine.sections}`, `SYMBOL(mem_section)=${variable}`];
  }
  const roots = writeRoots(machine);
  memory.setU64(image + 0x3000, roots);
  const symbol = model === 'extreme' ? roots.toString(16) : variable;
  return [...info, `LENGTH(mem_section)=${rootCount(options)}`, `SYMBOL(mem_section)=${symbol}`];
}

function rootCount(options: KernelCoreOptions): number {
  return 2 ** (physmemBits - (options.sectionBits ?? 27)) / (PAGE / sectionSize);
}

/** The array of pointers to pages full of mem_section; its virtual address. */
function writeRoots(machine: Machine): bigint {
  const { memory, directMap, options } = machine;
  const roots = memory.allocate(rootCount(options) * 8);
  const sections = encodeSections(machine);
  for (let at = 0; at < sections.length; at += PAGE) {
    const page = memory.allocate(PAGE);
    memory.write(page, sections.subarray(at, at + PAGE));
    memory.setU64(roots + (at / PAGE) * 8, directMap + BigInt(page));
  }
  return directMap + BigInt(roots);
}

/** With vmemmap, section_mem_map is its start in all of them. */
function encodeSections({ sections, vmemmap, options }: Machine): Buffer {
  const bytes = Buffer.alloc(sections * sectionSize);
  for (let section = 0; section < sections; section++) {
    const flags = options.sectionFlags?.(section) ?? sectionFlags;
    bytes.writeBigUInt64LE(vmemmap | flags, section * sectionSize);
  }
  return bytes;
}

function commonInfo({ generation, image, imageVaddr, options, tables }: Machine): string[] {
  const at = (offset: number) => (imageVaddr + BigInt(offset)).toString(16);
  const top = at(tables.root - image);
  return [
    `OSRELEASE=${generation.release}.0-synthetic`,
    `PAGESIZE=${PAGE}`,
    'CRASHTIME=1700000000',
    `SYMBOL(init_uts_ns)=${at(0x2000)}`,
    `SYMBOL(_stext)=${at(0)}`,
    `SYMBOL(swapper_pg_dir)=${top}`,
    `SYMBOL(init_top_pgt)=${top}`,
    `NUMBER(phys_base)=${BigInt(image) - (imageVaddr - startKernelMap)}`,
    `NUMBER(pgtable_l5_enabled)=${options.levels === 5 ? 1 : 0}`,
    `NUMBER(sme_mask)=${options.smeMask ?? 0n}`,
    `KERNELOFFSET=${(options.kernelOffset ?? 0x34000000n).toString(16)}`,
    'NUMBER(KERNEL_IMAGE_SIZE)=1073741824',
  ];
}

/** struct uts_namespace: the names lie behind a reference count. */
function utsname(release: string): Buffer {
  const bytes = Buffer.alloc(4 + 6 * 65);
  const names = ['Linux', 'synthetic', `${release}.0-synthetic`, '#1', 'x86_64', '(none)'];
  names.forEach((name, i) => {
    bytes.write(name, 4 + i * 65);
  });
  return bytes;
}

function prstatus(): CoreNote {
  return { name: 'CORE', type: 1, desc: new Uint8Array(336) };
}

/** The kernel's image, then memory in its direct map; the file has the image twice, as real cores do. */
function segments({ options, memory, image, imageVaddr, directMap }: Machine) {
  const end = memory.bytes.length / PAGE;
  const bounds = [0, ...(options.holes ?? []).flat(), end];
  const ranges = Array.from({ length: bounds.length / 2 }, (_, i) => [bounds[2 * i]!, bounds[2 * i + 1]!]);
  return [
    { vaddr: imageVaddr, paddr: image, data: memory.bytes.subarray(image, image + imageBytes) },
    ...ranges.map(([from, to]) => ({
      vaddr: directMap + BigInt(from! * PAGE),
      paddr: from! * PAGE,
      data: memory.bytes.subarray(from! * PAGE, to! * PAGE),
    })),
  ];
}
