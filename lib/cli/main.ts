#!/usr/bin/env node
import { parseArguments, UsageError } from './args.ts';
import { type Command, commonOptions } from './command.ts';
import { Output } from './output.ts';
import { abortOnSignals } from './signals.ts';

// Loaded when it runs, and not before: start-up is what `info` and `dmesg` are measured by.
const commands: Record<string, { summary: string; load: () => Promise<Command> }> = {
  info: {
    summary: 'what a core is: kernel, machine, memory',
    load: async () => (await import('./info.ts')).info,
  },
  diff: {
    summary: 'which pages of two cores differ, and how',
    load: async () => (await import('./diff.ts')).diff,
  },
  dmesg: {
    summary: 'the kernel log of the crashed system',
    load: async () => (await import('./dmesg.ts')).dmesg,
  },
  dump: { summary: 'write a filtered, compressed dump', load: async () => (await import('./dump.ts')).dump },
  estimate: {
    summary: 'how large dumps would be, from a sample',
    load: async () => (await import('./estimate.ts')).estimate,
  },
  makedumpfile: {
    summary: 'dump, unflatten and reassemble by the command lines of makedumpfile',
    load: async () => (await import('./makedumpfile.ts')).makedumpfile,
  },
  'mem-usage': {
    summary: 'what the running kernel uses its memory for',
    load: async () => (await import('./mem-usage.ts')).memUsage,
  },
  reassemble: {
    summary: 'make one dump of a split set',
    load: async () => (await import('./reassemble.ts')).reassembleCommand,
  },
  unflatten: {
    summary: 'put a flattened dump together',
    load: async () => (await import('./unflatten.ts')).unflattenCommand,
  },
  verify: {
    summary: 'whether a dump is complete and sound',
    load: async () => (await import('./verify.ts')).verify,
  },
  vmcoreinfo: {
    summary: 'the text of VMCOREINFO, for -i',
    load: async () => (await import('./vmcoreinfo.ts')).vmcoreinfo,
  },
  vtop: {
    summary: 'where virtual addresses lead, by page tables',
    load: async () => (await import('./vtop.ts')).vtop,
  },
};

async function overview(): Promise<string> {
  const help = await import('./help.ts');
  return help.overview(Object.entries(commands).map(([name, { summary }]) => [name, summary]));
}

async function run(args: string[], signal: AbortSignal, output: Output): Promise<void> {
  const [first, ...rest] = args;
  if (first === undefined) throw new UsageError(`a command is missing: ${Object.keys(commands).join(', ')}`);
  if (first === '--version' || first === '-v')
    return output.print(`${(await import('./version.ts')).version()}\n`);
  if (first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
    return output.print(await overview());
  }
  const [name, operands] = first === 'help' ? [String(rest[0]), ['--help']] : [first, rest];
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) throw new UsageError(`no command '${name}': there are ${Object.keys(commands).join(', ')}`);
  const command = await entry.load();
  try {
    await runCommand(command, operands, signal, output);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message, error.exitStatus ?? command.usageStatus);
  }
}

async function runCommand(
  command: Command,
  operands: string[],
  signal: AbortSignal,
  output: Output,
): Promise<void> {
  output.json = operands.includes('--json');
  const parsed = parseArguments([...command.options, ...commonOptions], operands);
  if (parsed.has('help')) return output.print((await import('./help.ts')).commandHelp(command));
  const { positionals } = command;
  if (parsed.positionals.length < positionals.length) {
    throw new UsageError(`${positionals[parsed.positionals.length]} is missing: ${command.usage}`);
  }
  if (parsed.positionals.length > positionals.length && !command.takesMore) {
    throw new UsageError(
      `'${parsed.positionals[positionals.length]}' is one argument too many: ${command.usage}`,
    );
  }
  await command.run(parsed, { signal, output });
}

const output = new Output();
const signal = abortOnSignals();
try {
  await run(process.argv.slice(2), signal, output);
  process.exitCode = output.status;
} catch (error) {
  const { reportFailure } = await import('./failure.ts');
  process.exitCode = await reportFailure(error, signal, output);
}
