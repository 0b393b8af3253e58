import { VmcoreError } from './errors.ts';
import type { PageJudge } from './filter/page-judge.ts';
import { type ScrubRange, scrubbedMemory } from './filter/scrub.ts';
import type { OpenedCore } from './formats/core-file.ts';
import { UTSNAME_SIZE } from './formats/kdump-layout.ts';
import { eraseinfoNotes, findVmcoreinfo, prstatusNotes } from './formats/notes.ts';
import { headerNames, readUtsname } from './kernel/utsname.ts';
import type { Vmcoreinfo } from './kernel/vmcoreinfo.ts';
import type { AddressSpaces } from './memory/address-spaces.ts';
import type { VirtualMemory } from './memory/virtual.ts';
import type { CoreDescription } from './pipeline/dump-context.ts';

/** An open core as far as a dump describes it. */
export interface DescribedCore {
  readonly core: OpenedCore;
  /** Bytes of a page. */
  readonly pageSize: number;
  readonly vmcoreinfo: Vmcoreinfo | undefined;
  readonly physBase: number;
  readonly spaces: AddressSpaces;
  readonly virtual: VirtualMemory;
}

/** What a dump of what `judge` keeps says of a core beside its pages, with what is in these ranges overwritten. */
export function describeCore(
  described: DescribedCore,
  judge: PageJudge,
  scrub: readonly ScrubRange[],
): CoreDescription {
  const { core, vmcoreinfo, spaces, physBase } = described;
  const note = findVmcoreinfo(core.notes);
  return {
    headers: {
      pageSize: described.pageSize,
      littleEndian: core.littleEndian,
      utsname: rawUtsname(described, scrub),
      crashTime: vmcoreinfo?.crashTime ?? core.header?.crashTime ?? 0,
      maxMapnr: judge.maxMapnr,
      nrCpus: core.header?.nrCpus ?? prstatusNotes(core.notes).length,
      physBase: BigInt(physBase),
      notes: core.notePayload,
      vmcoreinfo: note && { offset: note.offset, size: note.desc.length },
      eraseinfo: eraseinfoOf(core),
    },
    elf: {
      machine: core.machine,
      noteSegment: core.noteSegment,
      segments: core.segments,
      directMap: spaces.directMap(),
      image: spaces.kernelImage(),
    },
    incomplete: core.incomplete,
    warnings: warningsOf(core, judge),
  };
}

function warningsOf(core: OpenedCore, { problem }: PageJudge): string[] {
  const warnings: string[] = [];
  if (core.incomplete)
    warnings.push(`${core.source.name} is incomplete itself: what it lost is in no dump of it`);
  if (problem) warnings.push(`poisoned and offline pages could not be left out: ${problem.message}`);
  return warnings;
}

/** What was erased from a core before, as makedumpfile's lines of text; empty where nothing was. */
export function eraseinfoOf({ header, notes }: OpenedCore): Uint8Array {
  return header?.eraseinfo ?? Buffer.concat(eraseinfoNotes(notes).map(({ desc }) => desc));
}

/** Zeros where it can't be read: a dump is worth more than its name. */
function rawUtsname({ core, virtual, vmcoreinfo }: DescribedCore, scrub: readonly ScrubRange[]): Uint8Array {
  const unknown = new Uint8Array(UTSNAME_SIZE);
  const inHeader = core.header?.utsname ?? unknown;
  if (!vmcoreinfo) return inHeader;
  try {
    return headerNames(readUtsname(scrubbedMemory(virtual, scrub), vmcoreinfo).raw);
  } catch (error) {
    // What the header has may be what is scrubbed.
    if (error instanceof VmcoreError) return scrub.length > 0 ? unknown : inHeader;
    throw error;
  }
}
