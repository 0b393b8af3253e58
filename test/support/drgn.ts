// drgn, through its Python module.
import { runPython } from './oracles.ts';

export interface AddressSample {
  kind: 'direct' | 'vmalloc' | 'vmemmap' | 'text' | 'modules' | 'percpu' | 'unmapped';
  /** Bytes of the page that maps it. */
  page: number;
  vaddr: bigint;
  /** Undefined where nothing is mapped. */
  paddr: number | undefined;
  /** Undefined where the core has no such memory. */
  bytes: Buffer | undefined;
}

interface Line {
  kind: AddressSample['kind'];
  page: number;
  vaddr: string;
  paddr: number | null;
  bytes: string | null;
}

function sample(text: string): AddressSample {
  const line: Line = JSON.parse(text);
  return {
    kind: line.kind,
    page: line.page,
    vaddr: BigInt(line.vaddr),
    paddr: line.paddr ?? undefined,
    bytes: line.bytes === null ? undefined : Buffer.from(line.bytes, 'hex'),
  };
}

/** That many addresses of each kind; those of per-CPU variables only with debug information. */
export async function sampleAddresses(
  core: string,
  count: number,
  vmlinux?: string,
): Promise<AddressSample[]> {
  const args = ['sample', core, String(count), ...(vmlinux ? [vmlinux] : [])];
  const { stdout } = await runPython('drgn_oracle.py', args);
  return stdout.toString().trim().split('\n').map(sample);
}

/** The first 64 bytes at each virtual address; undefined where it finds none. */
export async function virtualBytes(
  core: string,
  addresses: readonly bigint[],
): Promise<(Buffer | undefined)[]> {
  const input = addresses.map((address) => `${address.toString(16)}\n`).join('');
  const { stdout } = await runPython('drgn_oracle.py', ['read', core], { input });
  const lines = stdout.toString().trim().split('\n');
  return lines.map((line) => (line === '-' ? undefined : Buffer.from(line, 'hex')));
}

/** A record of the kernel log; of the task and the CPU that logged it one is null. */
export interface PrintkRecord {
  text: string;
  facility: number;
  level: number;
  seq: number;
  timestamp: string;
  caller_tid: number | null;
  caller_cpu: number | null;
  continuation: boolean;
  context: Record<string, string>;
}

/** Texts are hexadecimal, timestamps decimal. */
export async function printkRecords(core: string, vmlinux: string): Promise<PrintkRecord[]> {
  const { stdout } = await runPython('drgn_oracle.py', ['log', core, vmlinux]);
  const lines = stdout.toString().trim().split('\n');
  return lines.map((line): PrintkRecord => JSON.parse(line));
}

/** Pid, state and command of every task, one per line. */
export async function tasks(core: string, vmlinux: string): Promise<string> {
  return (await runPython('drgn_oracle.py', ['tasks', core, vmlinux])).stdout.toString();
}
