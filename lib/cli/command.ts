import type { Arguments, Option } from './args.ts';
import type { Output } from './output.ts';

/** What a command is given beside its arguments. */
export interface Context {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** A command of `vmcore`, with all that --help says of it. */
export interface Command {
  /** The command line without the options, such as `vmcore dmesg VMCORE`. */
  readonly usage: string;
  readonly about: string;
  readonly options: readonly Option[];
  /** Command lines, each with what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** The names of the positional arguments, all needed. */
  readonly positionals: readonly string[];
  /** Whether more may follow; the command itself looks at how many. */
  readonly takesMore?: boolean;
  /** Exit status when the command line is wrong; default 2. */
  readonly usageStatus?: number;
  /** What 1 and 2 mean, where it is not what they mean elsewhere. */
  readonly failures?: readonly [one: string, two: string];
  /** Exit statuses of its own, see {@link Output.status}. */
  readonly statuses?: readonly (readonly [status: number, meaning: string])[];
  run(args: Arguments, context: Context): Promise<void>;
}

/** The options that every command has. */
export const commonOptions: readonly Option[] = [
  { name: 'json', help: 'print one JSON value: the result, or {"error": ...} where there is none' },
  { name: 'help', short: 'h', help: 'print this help' },
];
