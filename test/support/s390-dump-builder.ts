// Dumps as the s390 stand-alone dumpers write them (s390-tools, zdump/dfi_s390.h).

export interface S390DumpShape {
  /** From physical address 0 on. */
  readonly memory: Uint8Array;
  /** Default 4096. */
  readonly headerBytes?: number;
  /** Prefix registers of the CPUs. */
  readonly prefixes?: readonly number[];
  readonly endMarker?: string;
}

const MAGIC = 0xa8190173618f23fdn;
const TOD = 0xe3a5_bc3e_0000_0000n;

export function buildS390Dump(shape: S390DumpShape): Buffer {
  const { memory, headerBytes = 4096, prefixes = [], endMarker = 'DUMP_END' } = shape;
  const header = Buffer.alloc(headerBytes);
  header.writeBigUInt64BE(MAGIC, 0);
  header.writeUInt32BE(5, 8); // version
  header.writeUInt32BE(headerBytes, 12);
  header.writeUInt32BE(4, 16); // dump level
  header.writeUInt32BE(4096, 20); // page size
  header.writeBigUInt64BE(BigInt(memory.length), 24);
  header.writeBigUInt64BE(BigInt(memory.length), 40); // memory end
  header.writeUInt32BE(memory.length / 4096, 48); // pages
  header.writeBigUInt64BE(TOD, 56);
  header.writeUInt32BE(2, 72); // 64 bits
  header.writeBigUInt64BE(BigInt(memory.length), 84);
  header.writeUInt16BE(prefixes.length, 93); // CPUs, all and online
  header.writeUInt16BE(prefixes.length, 95);
  prefixes.forEach((prefix, i) => {
    header.writeUInt32BE(prefix, 0x800 + i * 4);
  });
  const end = Buffer.alloc(16);
  end.write(endMarker, 'latin1');
  end.writeBigUInt64BE(TOD, 8);
  return Buffer.concat([header, memory, end]);
}
