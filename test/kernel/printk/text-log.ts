import { readKernelLog } from '../../../lib/kernel/printk/dmesg.ts';
import { FakeMemory, utf8, vmcoreinfo } from './fake-memory.ts';

const variables = 0xffffffff81000000n;
const buffer = 0xffffffff82000ff0n;

/** A log of characters as kernel/printk.c before 3.5 leaves it after printing `text`. */
export function textLog(
  text: string | Uint8Array,
  { littleEndian = true, length = 4096, release = '2.6.32' } = {},
) {
  const bytes = typeof text === 'string' ? utf8(text) : text;
  const memory = new FakeMemory(littleEndian);
  const log = memory.add(buffer, length);
  bytes.forEach((byte, i) => {
    log.setUint8(i % length, byte);
  });
  const view = memory.add(variables, 64);
  view.setBigUint64(0, buffer, littleEndian);
  view.setUint32(8, length, littleEndian);
  if (release === '2.6.24') view.setBigUint64(16, BigInt(bytes.length), littleEndian);
  else view.setUint32(16, bytes.length, littleEndian);
  const info = vmcoreinfo({
    OSRELEASE: release,
    'SYMBOL(log_buf)': variables,
    'SYMBOL(log_buf_len)': variables + 8n,
    'SYMBOL(log_end)': variables + 16n,
    'SYMBOL(logged_chars)': variables + 24n,
    'SIZE(list_head)': 16,
  });
  return {
    memory,
    info,
    variables: view,
    read: (sinceClear = false) => readKernelLog(memory, info, { sinceClear }),
  };
}
