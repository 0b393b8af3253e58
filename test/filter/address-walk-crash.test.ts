// Page tables, entry by entry, and the memory of a process, as crash has them.
import t from 'tap';
import { type AddressWalk, openVmcore } from '../../lib/index.ts';
import { labCore } from '../support/cores.ts';
import { crashSession } from '../support/crash.ts';
import { firstMapped, kernelAddresses } from '../support/kernel-addresses.ts';
import { oracle } from '../support/oracles.ts';

t.setTimeout(300_000);

const PAGE = 4096n;

/** What crash's vtop prints, as far as a walk has it. */
function fromCrash(text: string) {
  const hex = (pattern: RegExp) => pattern.exec(text)?.[1];
  const leaf = /^ *[0-9a-f]+ +[0-9a-f]+ {2}\(([A-Z|]+)\)$/m.exec(text)?.[1];
  const [, structPage, physical, mapping, flags] =
    /^([0-9a-f]{16}) +([0-9a-f]+) +([0-9a-f]+) +[0-9a-f]+ +-?\d+ ([0-9a-f]+)/m.exec(text) ?? [];
  return {
    paddr: hex(/^[0-9a-f]+ +([0-9a-f]+) *$/m),
    top: hex(/PAGE DIRECTORY: ([0-9a-f]+)/),
    entries: [...text.matchAll(/^ +(P4D|PUD|PMD|PTE): +([0-9a-f]+) => ([0-9a-f]+)/gm)].map(
      ([, ...rest]) => rest,
    ),
    flags: leaf?.split('|'),
    page: structPage ? { structPage, physical, mapping, flags } : undefined,
  };
}

function forCrash({ steps, paddr, page }: AddressWalk): ReturnType<typeof fromCrash> {
  const hex = (value: bigint | number) => value.toString(16);
  const [top, ...others] = steps;
  const leaf = steps.at(-1);
  const fields = page?.explanation.structPage;
  return {
    paddr: paddr === undefined ? undefined : hex(paddr),
    top: top && hex(top.entry),
    entries: others.map(({ level, entryAddress, entry }) => [level, hex(entryAddress), hex(entry)]),
    flags: leaf?.kind === 'leaf' ? [...leaf.flags] : undefined,
    page: fields && {
      structPage: hex(page.structPage!),
      physical: hex(page.pfn * 4096),
      mapping: hex(fields.mapping),
      flags: hex(fields.flags),
    },
  };
}

for (const name of ['small', 'la57']) {
  t.test(`as crash walks: ${name}`, async (t) => {
    if (!oracle(t, 'crash')) return;
    const lab = await labCore(t, name);
    if (!lab) return;
    if (!lab.vmlinux) return t.fail('the core has no vmlinux beside it');
    await using core = await openVmcore(lab.path);
    const kernel = Object.entries(await kernelAddresses(core));
    const commands = kernel.map(([, vaddr]) => `vtop -k ${vaddr.toString(16)}`);
    const answers = await crashSession(lab.vmlinux, lab.path, ['vm', ...commands]);
    const root = BigInt(`0x${/^[0-9a-f]{16} +([0-9a-f]{16})/m.exec(answers.shift()!)![1]}`);
    for (const [i, [what, vaddr]] of kernel.entries()) {
      const mine = forCrash(core.vtop(vaddr));
      const theirs = fromCrash(answers[i]!);
      t.ok(theirs.entries.length > 0, answers[i]!);
      // Where nothing is mapped crash still does the direct map's arithmetic.
      const { top, entries } = theirs;
      t.strictSame(mine, what === 'nothing' ? { ...mine, top, entries } : theirs, what);
    }

    const program = firstMapped(core, 0x1000n, 1n << 47n, root);
    const stack = firstMapped(core, 0x7ff000000000n, 1n << 47n, root);
    const last = core.vtop(stack, { root }).steps.at(-1)!;
    t.match(last, { level: 'PTE', kind: 'leaf' });
    t.ok(last.flags.includes('USER'));
    const inUser = [program, stack + PAGE - 512n];
    const reads = await crashSession(
      lab.vmlinux,
      lab.path,
      inUser.map((vaddr) => `rd -u ${vaddr.toString(16)} 64`),
    );
    for (const [i, vaddr] of inUser.entries()) {
      const read = reads[i]!;
      const words = [...read!.matchAll(/^ *[0-9a-f]+: {2}([0-9a-f]{16}) ([0-9a-f]{16})/gm)].flatMap(
        ([, a, b]) => [a, b],
      );
      t.equal(words.length, 64, read);
      for (const top of [root, core.translate(root), core.translate(root) + 0x18]) {
        const { paddr } = core.vtop(vaddr, { root: top });
        const memory = Buffer.from(core.readPhysical(paddr!, 512));
        const mine = Array.from({ length: 64 }, (_, i) =>
          memory
            .readBigUInt64LE(8 * i)
            .toString(16)
            .padStart(16, '0'),
        );
        t.strictSame(mine, words, `${vaddr.toString(16)} by ${top.toString(16)}`);
      }
    }
  });
}
