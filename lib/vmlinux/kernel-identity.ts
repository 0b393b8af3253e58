import type { CoreSource } from '../access/open-source.ts';
import { VmcoreError } from '../errors.ts';
import { parseNotes } from '../formats/notes.ts';
import { type ElfProgram, findSection } from './elf-sections.ts';
import { withKernelProgram } from './kernel-program.ts';
import { readSection } from './section-stream.ts';
import { readSymbols } from './symbols.ts';

/** init/version.c: `Linux version RELEASE (...`. */
const BANNER_SYMBOL = 'linux_banner';
const BANNER = /^Linux version (\S+) /;
const BANNER_BYTES = 256;
/** NT_GNU_BUILD_ID of owner GNU (gABI of Linux, Note Sections), in the section of the kernel's notes. */
const NT_GNU_BUILD_ID = 3;
/** A vmlinux has a few notes. In bytes. */
const SECTION_LIMIT = 1 << 20;

/** Which kernel a vmlinux is. */
export interface KernelIdentity {
  /** The release, as `uname -r` prints it. */
  readonly osrelease: string;
  /** In hexadecimal, as VMCOREINFO has it (5.9+); undefined where the linker wrote none. */
  readonly buildId: string | undefined;
}

/**
 * Which kernel a vmlinux is; it needs no debug information, but symbols.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_FORMAT, ERR_VMCORE_ARCH, ERR_VMCORE_TRUNCATED, ERR_VMCORE_CORRUPT.
 */
export function identifyVmlinux(vmlinux: CoreSource): Promise<KernelIdentity> {
  return withKernelProgram(vmlinux, identify);
}

export async function identify(program: ElfProgram): Promise<KernelIdentity> {
  return { osrelease: await readRelease(program), buildId: await readBuildId(program) };
}

async function readRelease(program: ElfProgram): Promise<string> {
  const address = (await readSymbols(program, [BANNER_SYMBOL])).get(BANNER_SYMBOL);
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
  const notes = parseNotes(await readSection(program, section, SECTION_LIMIT), program.littleEndian);
  const note = notes.find(({ name, type }) => name === 'GNU' && type === NT_GNU_BUILD_ID);
  return note && Buffer.from(note.desc).toString('hex');
}
