/** DW_TAG of entries that are looked at (DWARF 5, 7.5.3). */
export const TAG = {
  array: 0x01,
  enumeration: 0x04,
  member: 0x0d,
  compileUnit: 0x11,
  structure: 0x13,
  typedef: 0x16,
  union: 0x17,
  subrange: 0x21,
  const: 0x26,
  enumerator: 0x28,
  variable: 0x34,
  volatile: 0x35,
} as const;

/** DW_AT of attributes that are looked at (DWARF 5, 7.5.4). */
export const ATTRIBUTE = {
  sibling: 0x01,
  name: 0x03,
  byteSize: 0x0b,
  constValue: 0x1c,
  upperBound: 0x2f,
  count: 0x37,
  memberLocation: 0x38,
  declaration: 0x3c,
  specification: 0x47,
  type: 0x49,
  strOffsetsBase: 0x72,
} as const;

/** DW_FORM: how an attribute's value is stored (DWARF 5, 7.5.6; those from 0x1f01 on are of GNU). */
export const FORM = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddrIndex: 0x1f01,
  gnuStrIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

/** DW_OP_plus_uconst (DWARF 5, 7.7.1): where a member lies, as DWARF 2 has it. */
export const OP_PLUS_UCONST = 0x23;

/** DW_UT of units with what an ordinary one has not before its entries (DWARF 5, 7.5.1). */
export const UNIT_TYPE = { type: 0x02, skeleton: 0x04, splitCompile: 0x05, splitType: 0x06 } as const;
