import type { Vmcore } from '../index.ts';
import type { Command } from './command.ts';
import { formatBytes, formatCount, formatRows } from './format.ts';
import { kernelOptions, openCore } from './open-core.ts';

export const info: Command = {
  usage: 'vmcore info [OPTION]... VMCORE',
  about:
    'Prints what a core is: the kernel that crashed and why, the machine, and what memory the core holds.',
  options: kernelOptions,
  examples: [
    ['vmcore info /proc/vmcore', 'in a capture kernel, as root'],
    ['vmcore info --json core | jq .osrelease', 'for scripts'],
  ],
  positionals: ['VMCORE'],

  async run(args, { signal, output }) {
    await using core = await openCore(args, { signal });
    const facts = collect(core);
    if (output.json) await output.printJson(facts);
    else await output.print(describe(facts));
  },
};

type Facts = ReturnType<typeof collect>;

function collect(core: Vmcore) {
  const { file, format, arch, littleEndian, incomplete, pageSize, size, maxPfn, segments, cpus } = core;
  const kernel = core.hasVmcoreinfo ? core.vmcoreinfo : undefined;
  const utsname = orUndefined(() => core.utsname);
  return {
    file,
    format,
    arch,
    littleEndian,
    incomplete,
    pageSize,
    size,
    maxPfn,
    memory: core.memoryBytes,
    osrelease: kernel?.osrelease,
    version: utsname?.version,
    hostname: utsname?.nodename,
    buildId: kernel?.buildId,
    kernelOffset: kernel?.address('KERNELOFFSET'),
    crashTime: kernel?.crashTime,
    panic: orUndefined(() => findPanic(core)),
    problem: core.vmcoreinfoProblem?.message,
    cpus: cpus.map(({ cpu, pid, registers }) => ({ cpu, pid, registers })),
    segments,
  };
}

/** A dead kernel's memory may be damaged in one place and fine in all others. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** The first message of those that a kernel dies with. */
function findPanic(core: Vmcore): string | undefined {
  const deadly = /Kernel panic - not syncing|^Oops|^BUG: |^general protection fault|^Unable to handle kernel/;
  return core.dmesg().find(({ text }) => deadly.test(text))?.text;
}

/** Formats without segments store pages. */
function describeMemory({ memory, segments }: Facts): string {
  return segments.length > 0 ? `${formatBytes(memory)} in ${segments.length} segments` : formatBytes(memory);
}

function describe(facts: Facts): string {
  const { crashTime, kernelOffset } = facts;
  return formatRows([
    ['File', `${facts.file}, ${formatBytes(facts.size)}`],
    ['Format', `${facts.format.toUpperCase()}, ${facts.littleEndian ? 'little' : 'big'}-endian`],
    ['State', facts.incomplete ? 'incomplete: it lacks pages that it should have' : undefined],
    ['Architecture', facts.arch],
    ['Kernel', facts.osrelease],
    ['Version', facts.version],
    ['Build ID', facts.buildId],
    ['Kernel offset', kernelOffset === undefined ? undefined : `0x${kernelOffset.toString(16)}`],
    ['Host', facts.hostname],
    [
      'Crashed',
      crashTime === undefined ? undefined : `${new Date(crashTime * 1000).toISOString().slice(0, 19)}Z`,
    ],
    ['Panic', facts.panic],
    ['CPUs', String(facts.cpus.length)],
    ['Memory', describeMemory(facts)],
    ['Pages', `${formatCount(facts.maxPfn)} page frames of ${formatBytes(facts.pageSize)}`],
    ['Problem', facts.problem],
  ]);
}
