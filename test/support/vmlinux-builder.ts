// A vmlinux with as much as VMCOREINFO is made of: a few structures, an enumeration, an array, symbols, the banner and a build-id.
import { deflateSync } from 'node:zlib';
import { buildDwarf, type DwarfShape, type Entry } from './dwarf-builder.ts';
import { EM_X86_64, notePayload } from './elf-builder.ts';

export interface VmlinuxShape extends DwarfShape {
  readonly machine?: number;
  /** e_type. Default ET_EXEC. */
  readonly type?: number;
  readonly isCompressed?: boolean;
  /** Other units than {@link kernelUnits}. */
  readonly units?: readonly Entry[];
  /** Sections that are left out. */
  readonly without?: readonly string[];
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: bigint;
  readonly link?: number;
  readonly data: Uint8Array;
}

const [SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOTE] = [1, 2, 3, 7];
const [SHF_ALLOC, SHF_COMPRESSED] = [0x2, 0x800];
const ELFCOMPRESS_ZLIB = 1;
const [EHDR, SHDR, SYM, CHDR] = [64, 64, 24, 24];
const TEXT = 0xffffffff81000000n;
const RODATA = 0xffffffff82000000n;
export const RELEASE = '6.1.0-built';
export const BUILD_ID = '0123456789abcdef0123456789abcdef01234567';

const [
  AT_SIBLING,
  AT_NAME,
  AT_SIZE,
  AT_VALUE,
  AT_BOUND,
  AT_LOCATION,
  AT_DECLARATION,
  AT_SPECIFICATION,
  AT_TYPE,
] = [0x01, 0x03, 0x0b, 0x1c, 0x2f, 0x38, 0x3c, 0x47, 0x49];
const TAG = {
  array: 0x01,
  enumeration: 0x04,
  member: 0x0d,
  unit: 0x11,
  structure: 0x13,
  typedef: 0x16,
  union: 0x17,
  subrange: 0x21,
  base: 0x24,
  enumerator: 0x28,
  subprogram: 0x2e,
  variable: 0x34,
};

function member(name: string | undefined, offset: number, type: string, old: boolean): Entry {
  const location = old ? { plus: offset } : offset;
  const named = name === undefined ? [] : ([[AT_NAME, name]] as const);
  return { tag: TAG.member, attributes: [...named, [AT_TYPE, { ref: type }], [AT_LOCATION, location]] };
}

function array(label: string, type: string, bound: number | undefined): Entry {
  const subrange: Entry = {
    tag: TAG.subrange,
    attributes: bound === undefined ? [] : [[AT_BOUND, bound]],
  };
  return { tag: TAG.array, label, attributes: [[AT_TYPE, { ref: type }]], children: [subrange] };
}

type Attributes = Entry['attributes'];

/** A type of `size` bytes; without a name it is anonymous. */
function sized(
  tag: number,
  name: string | undefined,
  size: number,
  more: Pick<Entry, 'label' | 'children'> = {},
): Entry {
  const named: Attributes = name === undefined ? [] : [[AT_NAME, name]];
  return { tag, attributes: [...named, [AT_SIZE, size]], ...more };
}

function unit(name: string, children: readonly Entry[]): Entry {
  return { tag: TAG.unit, attributes: [[AT_NAME, name]], children };
}

const LONG = sized(TAG.base, 'long int', 8, { label: 'long' });

/** Two source files, as compilers describe them; the first knows less. */
export function kernelUnits(version: number): Entry[] {
  const old = version < 3;
  return [
    firstUnit(),
    unit('second.c', [
      LONG,
      ...pageStructures(old),
      ...listStructures(old),
      ...nodeMask(),
      pageFlags(),
      ...nodeData(),
    ]),
  ];
}

/** What is only declared, or local to a function, is not what is looked for. */
function firstUnit(): Entry {
  const declared: Attributes = [
    [AT_NAME, 'page'],
    [AT_DECLARATION, true],
  ];
  const called: Attributes = [
    [AT_NAME, 'page'],
    [AT_SIBLING, { end: 'function' }],
  ];
  const local = [sized(TAG.structure, 'page', 1)];
  return unit('first.c', [
    LONG,
    { tag: TAG.structure, attributes: declared },
    { tag: TAG.subprogram, label: 'function', attributes: called, children: local },
  ]);
}

function pageStructures(old: boolean): Entry[] {
  const words = [member('private', 8, 'long', old), member('compound_head', 0, 'long', old)];
  const either = [member('lru', 0, 'list', old), member(undefined, 0, 'words', old)];
  const page = [
    member('flags', 0, 'long', old),
    member(undefined, 8, 'either', old),
    member('mapping', 24, 'long', old),
    member('_mapcount', 48, 'long', old),
    member('page_type', 48, 'long', old),
    member('nobody_asks_for_it', 52, 'long', old),
  ];
  return [
    sized(TAG.structure, undefined, 16, { label: 'words', children: words }),
    sized(TAG.union, undefined, 16, { label: 'either', children: either }),
    sized(TAG.structure, 'page', 64, { children: page }),
  ];
}

function listStructures(old: boolean): Entry[] {
  const list = [member('next', 0, 'long', old), member('prev', 8, 'long', old)];
  return [
    sized(TAG.structure, 'list_head', 16, { label: 'list', children: list }),
    sized(TAG.structure, 'zone', 1536, { children: [member('free_area', 256, 'areas', old)] }),
    array('areas', 'list', 10),
  ];
}

/** A typedef of a typedef. */
function nodeMask(): Entry[] {
  const typedef = (name: string, type: string): Attributes => [
    [AT_NAME, name],
    [AT_TYPE, { ref: type }],
  ];
  return [
    sized(TAG.structure, undefined, 128, { label: 'mask', children: [] }),
    { tag: TAG.typedef, label: 'bits', attributes: typedef('also_nobody', 'mask') },
    { tag: TAG.typedef, attributes: typedef('nodemask_t', 'bits') },
  ];
}

function pageFlags(): Entry {
  const values = { PG_lru: 4, PG_head: 16, PG_private: 13, PG_swapcache: -3 };
  const children = Object.entries(values).map(([name, value]): Entry => {
    const attributes: Attributes = [
      [AT_NAME, name],
      [AT_VALUE, value],
    ];
    return { tag: TAG.enumerator, attributes };
  });
  return sized(TAG.enumeration, 'pageflags', 4, { children });
}

/** A variable that is declared first, and defined with a length later. */
function nodeData(): Entry[] {
  const declared: Attributes = [
    [AT_NAME, 'node_data'],
    [AT_TYPE, { ref: 'unknown' }],
    [AT_DECLARATION, true],
  ];
  const defined: Attributes = [
    [AT_SPECIFICATION, { ref: 'nodes' }],
    [AT_TYPE, { ref: 'known' }],
  ];
  return [
    array('unknown', 'long', undefined),
    { tag: TAG.variable, label: 'nodes', attributes: declared },
    array('known', 'long', 1023),
    { tag: TAG.variable, attributes: defined },
  ];
}

/** What is made of {@link kernelUnits}. */
export const EXPECTED = `OSRELEASE=${RELEASE}
PAGESIZE=4096
SYMBOL(_stext)=ffffffff81000000
SYMBOL(node_data)=ffffffff81000100
SIZE(page)=64
SIZE(zone)=1536
SIZE(list_head)=16
SIZE(nodemask_t)=128
OFFSET(page.flags)=0
OFFSET(page.mapping)=24
OFFSET(page.lru)=8
OFFSET(page._mapcount)=48
OFFSET(page.private)=16
OFFSET(page.compound_head)=8
OFFSET(zone.free_area)=256
OFFSET(list_head.next)=0
OFFSET(list_head.prev)=8
LENGTH(node_data)=1024
LENGTH(zone.free_area)=11
NUMBER(PG_lru)=4
NUMBER(PG_private)=13
NUMBER(PG_head_mask)=65536
NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129
NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257
BUILD-ID=${BUILD_ID}
`;

export function buildVmlinux(shape: VmlinuxShape): Buffer {
  const sections = sectionsOf(shape).filter(({ name }) => !shape.without?.includes(name));
  const names = sections.map(({ name }) => name).concat('.shstrtab');
  const nameBytes = Buffer.from(`\0${names.map((name) => `${name}\0`).join('')}`, 'latin1');
  const all = [...sections, plain('.shstrtab', SHT_STRTAB, nameBytes)];
  const ehdr = Buffer.alloc(EHDR);
  const parts: Uint8Array[] = [ehdr];
  const headers: Uint8Array[] = [Buffer.alloc(SHDR)];
  let offset = EHDR;
  for (const section of all) {
    headers.push(sectionHeader(section, nameBytes.indexOf(`${section.name}\0`), offset, all, shape));
    parts.push(section.data);
    offset += section.data.length;
  }
  writeEhdr(ehdr, shape, offset, headers.length);
  return Buffer.concat([...parts, ...headers]);
}

function sectionsOf(shape: VmlinuxShape): Section[] {
  const { littleEndian, units = kernelUnits(shape.version) } = shape;
  const { info, abbrev, str, strOffsets } = buildDwarf(units, shape);
  const banner = `Linux version ${RELEASE} (gcc) #1\n\0`;
  const keys = 'PAGE_BUDDY_MAPCOUNT_VALUE\0PAGE_OFFLINE_MAPCOUNT_VALUE\0';
  const symbols: [string, bigint][] = [
    ['_stext', TEXT],
    ['linux_banner', RODATA],
    ['node_data', TEXT + 0x100n],
  ];
  const strings = Buffer.from(`\0${symbols.map(([name]) => `${name}\0`).join('')}`, 'latin1');
  const buildId = {
    name: 'GNU',
    type: 3,
    desc: Buffer.from(BUILD_ID, 'hex'),
  };
  const debug = (name: string, data: Uint8Array): Section => debugSection(name, data, shape);
  return [
    { name: '.text', type: SHT_PROGBITS, flags: SHF_ALLOC, address: TEXT, data: Buffer.alloc(512) },
    {
      name: '.rodata',
      type: SHT_PROGBITS,
      flags: SHF_ALLOC,
      address: RODATA,
      data: Buffer.from(banner + keys),
    },
    plain('.notes', SHT_NOTE, notePayload([buildId], littleEndian)),
    debug('.debug_info', info),
    debug('.debug_abbrev', abbrev),
    ...(shape.names === 'string' ? [] : [debug('.debug_str', str)]),
    ...(shape.names === 'strx' ? [debug('.debug_str_offsets', strOffsets)] : []),
    { ...plain('.symtab', SHT_SYMTAB, symbolTable(symbols, strings, littleEndian)), link: 1 },
    plain('.strtab', SHT_STRTAB, strings),
  ];
}

function plain(name: string, type: number, data: Uint8Array): Section {
  return { name, type, flags: 0, address: 0n, data };
}

function debugSection(name: string, data: Uint8Array, { isCompressed, littleEndian }: VmlinuxShape): Section {
  if (!isCompressed) return plain(name, SHT_PROGBITS, data);
  const header = Buffer.alloc(CHDR);
  const view = new DataView(header.buffer, header.byteOffset);
  view.setUint32(0, ELFCOMPRESS_ZLIB, littleEndian);
  view.setBigUint64(8, BigInt(data.length), littleEndian);
  const stored = Buffer.concat([header, deflateSync(data)]);
  return { ...plain(name, SHT_PROGBITS, stored), flags: SHF_COMPRESSED };
}

function symbolTable(symbols: readonly [string, bigint][], strings: Buffer, littleEndian: boolean): Buffer {
  const table = Buffer.alloc((1 + symbols.length) * SYM);
  const view = new DataView(table.buffer, table.byteOffset);
  symbols.forEach(([name, value], i) => {
    const at = (1 + i) * SYM;
    view.setUint32(at, strings.indexOf(`${name}\0`), littleEndian);
    view.setUint16(at + 6, 1, littleEndian);
    view.setBigUint64(at + 8, value, littleEndian);
  });
  return table;
}

function sectionHeader(
  { name, type, flags, address, data }: Section,
  nameOffset: number,
  offset: number,
  all: readonly Section[],
  { littleEndian }: VmlinuxShape,
): Buffer {
  const header = Buffer.alloc(SHDR);
  const view = new DataView(header.buffer, header.byteOffset);
  view.setUint32(0, nameOffset, littleEndian);
  view.setUint32(4, type, littleEndian);
  view.setBigUint64(8, BigInt(flags), littleEndian);
  view.setBigUint64(16, address, littleEndian);
  view.setBigUint64(24, BigInt(offset), littleEndian);
  view.setBigUint64(32, BigInt(data.length), littleEndian);
  const link = name === '.symtab' ? 1 + all.findIndex((one) => one.name === '.strtab') : 0;
  view.setUint32(40, link, littleEndian);
  return header;
}

function writeEhdr(header: Buffer, shape: VmlinuxShape, shoff: number, count: number): void {
  const { littleEndian, type = 2, machine = EM_X86_64 } = shape;
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1]);
  const view = new DataView(header.buffer, header.byteOffset);
  view.setUint16(16, type, littleEndian);
  view.setUint16(18, machine, littleEndian);
  view.setBigUint64(40, BigInt(shoff), littleEndian);
  view.setUint16(58, SHDR, littleEndian);
  view.setUint16(60, count, littleEndian);
  view.setUint16(62, count - 1, littleEndian);
}
