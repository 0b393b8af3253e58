import { VmcoreError } from '../../errors.ts';
import type { Vmcoreinfo } from '../vmcoreinfo.ts';
import { readWord, StructLayout, symbol, type WordBytes } from './layout.ts';
import type { LogMemory } from './log-memory.ts';

/** LOG_BUF_LEN_MAX is 2 GiB, and there is a descriptor for every 2^PRB_AVGBITS bytes (kernel/printk/printk.c). */
const SIZE_BITS_LIMIT = 31;
const COUNT_BITS_LIMIT = SIZE_BITS_LIMIT - 5;

/** struct dev_printk_info (include/linux/dev_printk.h). */
export const SUBSYSTEM_BYTES = 16;
export const DEVICE_BYTES = 48;

/** struct printk_ringbuffer. */
export class RingHeader {
  readonly countBits: number;
  readonly descs: bigint;
  readonly infos: bigint;
  readonly headId: bigint;
  readonly tailId: bigint;
  readonly sizeBits: number;
  readonly data: bigint;

  constructor(memory: LogMemory, info: Vmcoreinfo, word: WordBytes) {
    const ringbuffer = new StructLayout(info, 'printk_ringbuffer');
    const descRing = new StructLayout(info, 'prb_desc_ring');
    const dataRing = new StructLayout(info, 'prb_data_ring');
    const counter = new StructLayout(info, 'atomic_long_t').member('counter', word);
    const vaddr = readWord(memory, symbol(info, 'prb'), word);
    const view = new DataView(memory.read(vaddr, new Uint8Array(ringbuffer.size)).buffer);
    const desc = ringbuffer.member('desc_ring', descRing.size);
    const data = ringbuffer.member('text_data_ring', dataRing.size);
    const getWordAt = (offset: number) => getWord(view, offset, word, memory.littleEndian);

    this.countBits = view.getUint32(desc + descRing.member('count_bits', 4), memory.littleEndian);
    this.descs = getWordAt(desc + descRing.member('descs', word));
    this.infos = getWordAt(desc + descRing.member('infos', word));
    this.headId = getWordAt(desc + descRing.member('head_id', counter + word) + counter);
    this.tailId = getWordAt(desc + descRing.member('tail_id', counter + word) + counter);
    this.sizeBits = view.getUint32(data + dataRing.member('size_bits', 4), memory.littleEndian);
    this.data = getWordAt(data + dataRing.member('data', word));
    if (this.countBits > COUNT_BITS_LIMIT || this.sizeBits > SIZE_BITS_LIMIT) {
      const message = `no printk ring has 2^${this.countBits} descriptors and 2^${this.sizeBits} bytes of text`;
      throw new VmcoreError('ERR_VMCORE_CORRUPT', message, { address: vaddr });
    }
  }
}

export type DescLayout = ReturnType<typeof descLayout>;

/** struct prb_desc. */
export function descLayout(info: Vmcoreinfo, word: WordBytes) {
  const desc = new StructLayout(info, 'prb_desc');
  const lpos = new StructLayout(info, 'prb_data_blk_lpos');
  const counter = new StructLayout(info, 'atomic_long_t').member('counter', word);
  const text = desc.member('text_blk_lpos', lpos.size);
  return {
    size: desc.size,
    stateVar: desc.member('state_var', counter + word) + counter,
    begin: text + lpos.member('begin', word),
    next: text + lpos.member('next', word),
  };
}

export type InfoLayout = ReturnType<typeof infoLayout>;

/** struct printk_info. The facility and the flags are not exported: they are the two bytes after text_len. */
export function infoLayout(info: Vmcoreinfo) {
  const printkInfo = new StructLayout(info, 'printk_info');
  const textLen = printkInfo.member('text_len', 4);
  return {
    size: printkInfo.size,
    seq: printkInfo.member('seq', 8),
    tsNsec: printkInfo.member('ts_nsec', 8),
    textLen,
    facility: textLen + 2,
    flagsLevel: textLen + 3,
    callerId: printkInfo.optional('caller_id', 4),
    ...deviceLayout(info, printkInfo),
  };
}

function deviceLayout(info: Vmcoreinfo, printkInfo: StructLayout) {
  if (info.size('dev_printk_info') === undefined) return { subsystem: undefined, device: undefined };
  const layout = new StructLayout(info, 'dev_printk_info');
  const device = printkInfo.member('dev_info', layout.size);
  return {
    subsystem: device + layout.member('subsystem', SUBSYSTEM_BYTES),
    device: device + layout.member('device', DEVICE_BYTES),
  };
}

export function getWord(view: DataView, offset: number, word: WordBytes, littleEndian: boolean): bigint {
  return word === 8 ? view.getBigUint64(offset, littleEndian) : BigInt(view.getUint32(offset, littleEndian));
}
