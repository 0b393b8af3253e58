// Compares a dump that was written in a capture kernel with the copy of the same /proc/vmcore.
import type { Test } from 'tap';
import { differences, setBits } from '../support/bits.ts';
import { ElfCore } from '../support/elf-core.ts';
import { readKdump } from '../support/kdump-file.ts';
import { attributes, pages } from '../support/libkdumpfile.ts';
import { checkDifferences, Explanations } from '../support/makedumpfile-differences.ts';
import type { Remains } from './remains.ts';

const PAGE = 4096;

/** Bytes of the pages of which a segment has no more than a beginning, by pfn: makedumpfile's bitmaps in memory lack them. */
function fractionalPages(core: ElfCore): Map<number, number> {
  const tails = core.segments.map(({ paddr, memsz }) => {
    const bytes = (paddr + memsz) % PAGE;
    return [(paddr + memsz - bytes) / PAGE, bytes] as const;
  });
  return new Map(tails.filter(([pfn, bytes]) => bytes > 0 && !core.physical(pfn * PAGE, PAGE)));
}

/** The bitmaps are makedumpfile's, but for known defects of it, and each page that libkdumpfile reads is that of the copy. */
export async function checkPages(t: Test, remains: Remains, level: number): Promise<void> {
  const file = remains.file(`${level}-mmap.kdump`);
  const dump = readKdump(file);
  const theirs = readKdump(remains.file(`${level}-makedumpfile.kdump`));
  const core = new ElfCore(remains.file('core.elf'));
  t.teardown(() => core.close());
  const fractional = fractionalPages(core);
  const whole = (pfns: number[]) => pfns.filter((pfn) => !fractional.has(pfn));
  t.equal(dump.isIncomplete, false);
  t.same(whole(differences(dump.bitmap1, theirs.bitmap1)), [], 'bitmap 1 is that of makedumpfile');
  const differing = whole(differences(dump.bitmap2, theirs.bitmap2));
  if (remains.kind === 's390x') t.same(differing, [], 'bitmap 2 is that of makedumpfile');
  else {
    const explanations = new Explanations(remains.file('core.elf'), remains.access.makedumpfile!);
    checkDifferences(t, differing, explanations.at(level, theirs.bitmap1));
  }

  const copied = (pfn: number) => {
    const bytes = core.physical(pfn * PAGE, fractional.get(pfn) ?? PAGE);
    return bytes && Buffer.concat([bytes], PAGE);
  };
  const wrong: string[] = [];
  let compared = 0;
  for await (const [pfn, page] of pages(file, [...setBits(dump.bitmap2)])) {
    compared++;
    if (!copied(pfn)?.equals(page)) wrong.push(pfn.toString(16));
  }
  t.same(wrong, [], 'every page is that of the copy of /proc/vmcore');
  t.equal(compared, dump.descriptors, `${compared} pages, read by libkdumpfile`);
  const { format, ...ofDump } = await attributes(file);
  const { format: _, ...ofCore } = await attributes(remains.file('core.elf'));
  t.equal(format, 'diskdump');
  t.same(ofDump, ofCore, 'the same VMCOREINFO, release and registers');
}
