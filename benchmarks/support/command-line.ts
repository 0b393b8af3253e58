import { basename } from 'node:path';
import { parseArgs } from 'node:util';

/** An option of a benchmark: a string, or a flag. */
export interface OptionType {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
}

/** A parsed command line. */
export interface CommandLine<Name extends string> {
  readonly positionals: readonly string[];
  /** The value of an option that was given. */
  value(name: Name): string | undefined;
  has(name: Name): boolean;
}

/** Parses the command line of a benchmark; a wrong one, or --help, ends the program with its usage. */
export function commandLine<Name extends string>(
  usage: string,
  options: Readonly<Record<Name, OptionType>>,
  args: readonly string[] = process.argv.slice(2),
): CommandLine<Name> {
  if (args.includes('--help')) return leave(usage, 0);
  try {
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true });
    const given = new Map(Object.entries(values));
    return {
      positionals,
      value: (name) => (given.has(name) ? String(given.get(name)) : undefined),
      has: (name) => given.has(name),
    };
  } catch (error) {
    return leave(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}`, 2);
  }
}

/** Prints why the program can't go on, and ends it. */
export function leave(message: string, status = 2): never {
  console.error(message);
  process.exit(status);
}

/** A list of numbers as '0,31' gives it. */
export function numbers(list: string): number[] {
  return list.split(',').map(wholeNumber);
}

/** A number, with K, M or G behind it for binary multiples. */
export function wholeNumber(text: string): number {
  const [, digits, unit] = /^(\d+)([KMG]?)$/.exec(text) ?? leave(`'${text}' is not a number`);
  return Number(digits) * 1024 ** ' KMG'.indexOf(unit || ' ');
}

/** How a core is called in a report: without the folders of this machine. */
export function nameOf(core: string): string {
  return core.startsWith('/proc/') ? core : basename(core);
}
