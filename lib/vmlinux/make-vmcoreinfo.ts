import { type CoreSource, openSources, plainSource } from '../access/open-source.ts';
import { architectureName, architectureOf } from '../arch/registry.ts';
import { VmcoreError } from '../errors.ts';
import { parseNotes } from '../formats/notes.ts';
import { Vmcoreinfo } from '../kernel/vmcoreinfo.ts';
import type { DebugInfoOptions } from './debug-info.ts';
import { type ElfProgram, findSection, readElfProgram } from './elf-sections.ts';
import { LAYOUT_SYMBOLS, layoutLines } from './layout-lines.ts';
import { readSection } from './section-stream.ts';
import { readSymbols } from './symbols.ts';

/** How VMCOREINFO is made. */
export type MakeVmcoreinfoOptions = DebugInfoOptions;

/** PAGE_SIZE of the architectures that have only one: of x86_64 and s390x. */
const PAGE_SIZE = 4096;
/** init/version.c: `Linux version RELEASE (...`. */
const BANNER_SYMBOL = 'linux_banner';
const BANNER = /^Linux version (\S+) /;
const BANNER_BYTES = 256;
/** NT_GNU_BUILD_ID of owner GNU (gABI of Linux, Note Sections), in the section of the kernel's notes. */
const NT_GNU_BUILD_ID = 3;
const NOTES_LIMIT = 1 << 20;

/**
 * VMCOREINFO of a kernel, made of its vmlinux with debug information, as makedumpfile -g does: its symbols as they are
 * linked, the layouts of its structures, and its numbers. What a kernel finds out when it runs is not in it, such as where
 * it was moved to (KASLR): {@link openVmcore} finds that in the core, where `vmcoreinfo` is such a text.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_FORMAT (no vmlinux, or none with debug information), ERR_VMCORE_ARCH,
 *   ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT, ERR_VMCORE_CODEC, ERR_VMCORE_ARGUMENT; the signal's reason.
 */
export async function makeVmcoreinfo(
  vmlinux: CoreSource,
  options: MakeVmcoreinfoOptions = {},
): Promise<Vmcoreinfo> {
  options.signal?.throwIfAborted();
  const [source] = openSources([plainSource(vmlinux)], undefined);
  try {
    const program = readElfProgram(source!);
    requireArchitecture(program);
    const symbols = await readSymbols(program, [...LAYOUT_SYMBOLS, BANNER_SYMBOL]);
    const head = [`OSRELEASE=${readRelease(program, symbols)}`, `PAGESIZE=${PAGE_SIZE}`];
    const lines = await layoutLines(program, symbols, options);
    const buildId = await readBuildId(program);
    if (buildId) lines.push(`BUILD-ID=${buildId}`);
    return new Vmcoreinfo([...head, ...lines, ''].join('\n'));
  } finally {
    source!.close();
  }
}

function requireArchitecture({ source, machine, elf }: ElfProgram): void {
  if (architectureOf(machine) && elf.format === 'elf64') return;
  const message = `${source.name}: is a program for ${architectureName(machine)}; kernels of x86_64 and s390x are read`;
  throw new VmcoreError('ERR_VMCORE_ARCH', message, { file: source.name });
}

function readRelease(program: ElfProgram, symbols: ReadonlyMap<string, bigint>): string {
  const address = symbols.get(BANNER_SYMBOL);
  const banner = address === undefined ? undefined : readLoaded(program, address, BANNER_BYTES);
  const release = banner && BANNER.exec(banner.toString('latin1'))?.[1];
  if (release) return release;
  const file = program.source.name;
  const message = `${file}: has no ${BANNER_SYMBOL} that tells a release, so it is no vmlinux, or a stripped one`;
  throw new VmcoreError('ERR_VMCORE_FORMAT', message, { file });
}

/** At most `length` bytes of what the file has for an address. */
function readLoaded({ source, sections }: ElfProgram, address: bigint, length: number): Buffer | undefined {
  const section = sections.find(
    (one) =>
      one.isLoaded && one.hasBytes && one.address <= address && address < one.address + BigInt(one.size),
  );
  if (!section) return undefined;
  const at = Number(address - section.address);
  const bytes = Buffer.alloc(Math.min(length, section.size - at));
  source.read(section.offset + at, bytes);
  return bytes;
}

async function readBuildId(program: ElfProgram): Promise<string | undefined> {
  const section = findSection(program, '.notes');
  if (!section) return undefined;
  const notes = parseNotes(await readSection(program, section, NOTES_LIMIT), program.littleEndian);
  const note = notes.find(({ name, type }) => name === 'GNU' && type === NT_GNU_BUILD_ID);
  return note && Buffer.from(note.desc).toString('hex');
}
