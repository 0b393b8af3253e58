import { VmcoreError } from '../errors.ts';
import { type DebugInfoOptions, findTypes } from './debug-info.ts';
import { type ElfProgram, findSection } from './elf-sections.ts';
import type { KernelTypes, WantedTypes } from './kernel-types.ts';
import { LAYOUT_KEYS, type LayoutKey, ONLY_WITH, parseLayoutKey } from './layout-keys.ts';
import { isFlag, PAGE_TYPE_MEMBER, PAGE_TYPES, pageTypeValue } from './page-types.ts';
import { openSection } from './section-stream.ts';
import { findStrings } from './string-table.ts';

type Symbols = ReadonlyMap<string, bigint>;

/** PG_head_mask is a macro: the bit of PG_head. */
const HEAD_MASK = 'PG_head_mask';
const HEAD_FLAG = 'PG_head';

const KEYS = LAYOUT_KEYS.map(parseLayoutKey);
/** The symbols that have lines. */
export const LAYOUT_SYMBOLS: readonly string[] = ownersOf('SYMBOL');
const VARIABLES = new Set(
  KEYS.flatMap(({ kind, owner, member }) => (kind === 'LENGTH' && !member ? owner : [])),
);

/** The lines of VMCOREINFO for all {@link LAYOUT_KEYS} that this kernel has. @throws as findTypes(). */
export async function layoutLines(
  program: ElfProgram,
  symbols: Symbols,
  options: DebugInfoOptions,
): Promise<string[]> {
  const types = await findTypes(program, wantedTypes(), (name) => mayExist(name, symbols), options);
  if (!types.sizes.has('page')) throw noKernelTypes(program.source.name);
  const exported = await exportedPageTypes(program);
  return KEYS.flatMap((key) => {
    const value = layoutValue(key, symbols, types, exported);
    return value === undefined ? [] : [`${key.kind}(${key.name})=${value}`];
  });
}

function noKernelTypes(file: string): VmcoreError {
  const message =
    `${file}: its debug information has no struct page: it is that of no kernel, or is in other files ` +
    '(CONFIG_DEBUG_INFO_SPLIT)';
  return new VmcoreError('ERR_VMCORE_FORMAT', message, { file });
}

function ownersOf(kind: string): string[] {
  return KEYS.filter((key) => key.kind === kind).map(({ owner }) => owner);
}

function wantedTypes(): WantedTypes {
  const ofMembers = KEYS.filter(({ member }) => member !== undefined).map(({ owner }) => owner);
  const numbers = ownersOf('NUMBER').filter((name) => name !== HEAD_MASK && !PAGE_TYPES[name]);
  const ofPageTypes = Object.values(PAGE_TYPES).flatMap(({ typeByte, bit }) => [typeByte, bit]);
  return {
    types: new Set([...ownersOf('SIZE'), ...ofMembers]),
    members: new Set([...KEYS.flatMap(({ member }) => member ?? []), PAGE_TYPE_MEMBER]),
    variables: VARIABLES,
    enumerators: new Set([...numbers, ...ofPageTypes, HEAD_FLAG]),
  };
}

/** Whether it is worth searching on for it: variables have symbols. */
function mayExist(name: string, symbols: Symbols): boolean {
  const needed = ONLY_WITH[name] ?? (VARIABLES.has(name) ? name : undefined);
  return needed === undefined || symbols.has(needed);
}

function layoutValue(
  { kind, name, owner, member }: LayoutKey,
  symbols: Symbols,
  types: KernelTypes,
  exported: ReadonlySet<string>,
): string | number | undefined {
  switch (kind) {
    case 'SYMBOL':
      return symbols.get(name)?.toString(16);
    case 'SIZE':
      return types.sizes.get(name);
    case 'OFFSET':
      return types.offsets.get(name);
    case 'LENGTH':
      return types.lengths.get(member === undefined ? owner : `${owner}.${member}`);
    default:
      return exported.has(name) ? pageTypeValue(name, types) : numberOf(name, types);
  }
}

function numberOf(name: string, { enumerators }: KernelTypes): number | undefined {
  const value = enumerators.get(name === HEAD_MASK ? HEAD_FLAG : name);
  if (name === HEAD_MASK) return value === undefined ? undefined : 2 ** value;
  // Some page types have, in some versions, the name that a flag has in others.
  return value !== undefined && (!name.startsWith('PG_') || isFlag(value)) ? value : undefined;
}

/** Which page types the kernel exports: it has their names to print. */
async function exportedPageTypes(program: ElfProgram): Promise<ReadonlySet<string>> {
  const section = findSection(program, '.rodata');
  if (!section) return new Set();
  await using stream = openSection(program, section);
  return new Set((await findStrings(stream, Object.keys(PAGE_TYPES))).values());
}
