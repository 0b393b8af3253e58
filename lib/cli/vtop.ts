import type { AddressWalk, PhysicalPage, Vmcore } from '../index.ts';
import { UsageError } from './args.ts';
import type { Command } from './command.ts';
import { formatBytes, formatRows } from './format.ts';
import { kernelOptions, openCore } from './open-core.ts';
import { formatWalk, parseAddress } from './walk-text.ts';

export const vtop: Command = {
  usage: 'vmcore vtop [OPTION]... VMCORE ADDRESS...',
  about: `Translates virtual addresses: prints the page-table entries on the way, and what the page is that they lead to.
An ADDRESS is 0xffffffff81000000, 16 hexadecimal digits, or SYMBOL[+OFFSET].`,
  options: [
    {
      name: 'root',
      value: 'ADDRESS',
      help: "the top page table, where it is not the kernel's: a process's by its physical\naddress (CR3) or its virtual one (mm_struct.pgd)",
    },
    ...kernelOptions,
  ],
  examples: [
    ['vmcore vtop core init_task 0xffff888004cd4180', 'a symbol and an address'],
    ['vmcore vtop --root 0xffff888004a31000 core 0x7ffd5ac01000', 'in the memory of a process'],
    ['vmcore vtop --json core jiffies | jq .[0].page.pfn', 'for scripts'],
  ],
  positionals: ['VMCORE', 'ADDRESS'],
  takesMore: true,

  async run(args, { signal, output }) {
    const rootText = args.value('root');
    const rootAddress = rootText === undefined ? undefined : topTable(rootText);
    await using core = await openCore(args, { signal });
    const root = rootAddress === undefined ? undefined : asPhysical(core, rootAddress);
    const walks: AddressWalk[] = [];
    for (const text of args.positionals.slice(1)) {
      for (const vaddr of await addresses(core, text, signal)) walks.push(core.vtop(vaddr, { root }));
    }
    if (output.json) await output.printJson(walks);
    else await output.print(walks.map(describe).join('\n'));
    const lost = walks.filter(({ problem }) => problem);
    if (lost.length > 0) throw new Error(lost.map(({ problem }) => problem!.message).join('\nvmcore: '));
  },
};

function topTable(text: string): bigint {
  const address = parseAddress(text);
  if (address === undefined) throw new UsageError(`--root is an address such as 0x4a31000, not '${text}'`);
  return address;
}

/** As a number where it can be a physical address: no kernel has virtual ones that low, unless they are the same. */
function asPhysical({ maxPfn, pageSize }: Vmcore, address: bigint): number | bigint {
  return address < maxPfn * pageSize ? Number(address) : address;
}

/** Static symbols may share a name. */
async function addresses(core: Vmcore, text: string, signal: AbortSignal): Promise<bigint[]> {
  const address = parseAddress(text);
  if (address !== undefined) return [address];
  const [, name, offset = '0'] = /^([^+]+)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(text) ?? [];
  const found = name === undefined ? [] : await core.findSymbols(name, { signal });
  if (found.length === 0) throw new UsageError(`'${text}' is no address, and no symbol of this kernel`);
  return found.map((symbol) => BigInt.asUintN(64, symbol.address + BigInt(offset)));
}

function describe(walk: AddressWalk): string {
  const leaf = walk.steps.at(-1);
  const rows = walk.page
    ? formatRows(describePage(walk.page, leaf?.kind === 'leaf' ? leaf.bytes : undefined))
    : '';
  return `${formatWalk(walk, { flags: true })}${rows && `\n${rows}`}`;
}

function describePage(page: PhysicalPage, leafBytes: number | undefined): [string, string | undefined][] {
  const { pfn, offset, segments, structPage, explanation } = page;
  const { structPage: fields } = explanation;
  const hex = (value: bigint | number) => value.toString(16);
  return [
    ['Mapped by', leafBytes === undefined ? 'a program header' : `a page of ${formatBytes(leafBytes)}`],
    ['Page frame', `0x${hex(pfn)}`],
    ['In the file', offset === undefined ? undefined : `0x${hex(offset)}`],
    ['Segment', segments.length > 0 ? segments.join(', ') : undefined],
    ['struct page', structPage === undefined ? undefined : hex(structPage)],
    ['  flags', fields && hex(fields.flags)],
    ['  mapping', fields && hex(fields.mapping)],
    ['  mapcount', fields && String(fields.mapcount)],
    ['Class', explanation.text],
  ];
}
