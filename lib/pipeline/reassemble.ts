import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteSource } from '../access/byte-source.ts';
import { openSources } from '../access/open-source.ts';
import { PAGE_COMPRESSION } from '../codecs/codec.ts';
import { argumentError } from '../errors.ts';
import { type OpenedMember, orderMembers, readEraseinfo, readNotes } from '../formats/kdump.ts';
import { readBitmaps } from '../formats/kdump-bitmaps.ts';
import { type KdumpFacts, readKdumpHeaders } from '../formats/kdump-headers.ts';
import { kdumpLayout, STATUS_EXCLUDED_VMEMMAP, STATUS_INCOMPLETE } from '../formats/kdump-layout.ts';
import type { KdumpMember } from '../formats/kdump-source.ts';
import { type KdumpDescription, KdumpWriter } from '../output/kdump.ts';
import type { AbortMode } from '../output/sink.ts';
import { Turns } from '../turns.ts';
import { type DumpTarget, isStream, type OutputOptions, openOutputs } from './output-target.ts';
import { StoredPages } from './stored-pages.ts';

/** How a split set is put together. */
export interface ReassembleOptions extends OutputOptions {
  /** What is left when it does not end well: `keep` (default) leaves it marked incomplete. */
  readonly onFailure?: AbortMode | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with its path when an incomplete dump is left behind. */
  readonly onIncomplete?: ((file: string) => void) | undefined;
}

/** What was put together. */
export interface ReassembleReport {
  readonly file: string;
  /** False when a member was incomplete: so is the dump, and marked so. */
  readonly complete: boolean;
  readonly dryRun: boolean;
  /** Pages in the dump, and those of them that their member had lost. */
  readonly pages: number;
  readonly missingPages: number;
  /** Size of the dump in bytes. */
  readonly bytes: number;
}

/**
 * Makes one kdump-compressed dump of the members of a split set, in any order: the same, byte by byte, as if it had not
 * been split. Pages are copied as they are stored.
 * @param output a path, or a stream: it gets the flattened form.
 * @throws VmcoreError ERR_VMCORE_OPEN, ERR_VMCORE_FORMAT, ERR_VMCORE_CORRUPT; ERR_VMCORE_TRUNCATED when a member is
 *   missing or cut off; ERR_VMCORE_ARGUMENT for files that are no set; what writing throws; the signal's reason.
 */
export async function reassemble(
  inputs: readonly string[],
  output: Exclude<DumpTarget, readonly string[]>,
  options: ReassembleOptions = {},
): Promise<ReassembleReport> {
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw argumentError('the members of a set are a list of paths');
  if (typeof output !== 'string' && !isStream(output))
    throw argumentError('the output is a path or a stream');
  const sources = openSources(inputs, undefined);
  try {
    return await reassembleSources(sources, output, options, signal);
  } finally {
    for (const source of sources) source.close();
  }
}

async function reassembleSources(
  sources: readonly ByteSource[],
  output: Exclude<DumpTarget, readonly string[]>,
  options: ReassembleOptions,
  signal: AbortSignal,
): Promise<ReassembleReport> {
  const opened = sources.map((source) => ({ source, facts: readKdumpHeaders(source) }));
  const first = opened[0]!;
  requireSplit(opened);
  const bitmaps = await readBitmaps(first.source, first.facts, new Turns(signal));
  const members = orderMembers(opened);
  const description = describe(opened, members);
  const [sink] = await openOutputs(output, options, signal);
  let writer: KdumpWriter | undefined;
  try {
    writer = new KdumpWriter(description, sink!);
    await writer.beginWith(bitmaps);
    for (const member of members) {
      for (const batch of new StoredPages(member, first.facts, bitmaps.bitmap2).batches()) {
        await writer.append(batch);
        await nextTurn();
        signal.throwIfAborted();
      }
    }
    await writer.finish();
  } catch (error) {
    const mode = writer ? (options.onFailure ?? 'keep') : 'remove';
    const left = await (writer ?? sink!).abort(mode).catch(() => undefined);
    if (left !== undefined) options.onIncomplete?.(left);
    throw error;
  }
  const { missingPages, pages } = writer;
  const complete = missingPages === 0 && ((description.status ?? 0) & STATUS_INCOMPLETE) === 0;
  return {
    file: sink!.file,
    complete,
    dryRun: options.dryRun ?? false,
    pages,
    missingPages,
    bytes: sink!.size,
  };
}

function requireSplit(opened: readonly OpenedMember[]): void {
  for (const { source, facts } of opened) {
    const { name: file } = source;
    if (!facts.split) throw argumentError(`${file} is a whole dump, and no member of a split set`, file);
    if (!facts.is64Bit)
      throw argumentError(`${file} is of a 32-bit machine, whose sets are not put together here`, file);
  }
}

/** What the headers of the whole say. */
function describe(opened: readonly OpenedMember[], members: readonly KdumpMember[]): KdumpDescription {
  const { source, facts } = opened[0]!;
  const { blockSize, littleEndian, utsname, crashTime, maxMapnr, nrCpus, physBase, dumpLevel } = facts;
  const notes = readNotes(source, facts);
  const kept = opened.reduce((status, member) => status | member.facts.status, 0);
  return {
    pageSize: blockSize,
    littleEndian,
    utsname,
    crashTime,
    maxMapnr,
    nrCpus,
    physBase,
    dumpLevel,
    notes,
    vmcoreinfo: vmcoreinfoIn(notes, facts),
    codec: { flag: facts.status & ALL_CODECS },
    status: kept & (STATUS_INCOMPLETE | STATUS_EXCLUDED_VMEMMAP),
    eraseinfo: readEraseinfo(opened, members),
  };
}

const ALL_CODECS = Object.values(PAGE_COMPRESSION).reduce((flags, flag) => flags | flag, 0);

/** Where VMCOREINFO lies in the notes; undefined when it is not there. */
function vmcoreinfoIn(notes: Uint8Array, { vmcoreinfo, blockSize, maxMapnr }: KdumpFacts) {
  const { notesOffset } = kdumpLayout(blockSize, notes.length, maxMapnr);
  const offset = vmcoreinfo.offset - notesOffset;
  const isInside = vmcoreinfo.size > 0 && offset >= 0 && offset + vmcoreinfo.size <= notes.length;
  return isInside ? { offset, size: vmcoreinfo.size } : undefined;
}
