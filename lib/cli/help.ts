import type { Option } from './args.ts';
import { type Command, commonOptions } from './command.ts';

const FAILURES = ['it failed; standard error says why', 'the command line is wrong'] as const;

function exitStatus({ failures, statuses = [] }: Pick<Command, 'failures' | 'statuses'> = {}): string {
  const [one, two] = failures ?? FAILURES;
  const own = statuses.map(([status, meaning]) => `  ${String(status).padEnd(5)}${meaning}\n`).join('');
  return `Exit status:
  0    it worked
  1    ${one}
  2    ${two}
${own}  130  ended by SIGINT (143: by SIGTERM); an unfinished dump is marked incomplete
`;
}

function spelling({ name, short, value }: Option): string {
  return `${short ? `-${short},` : '   '} --${name}${value ? ` ${value}` : ''}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows
    .map(
      ([left, right]) => `  ${left.padEnd(width)}${right.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}\n`,
    )
    .join('');
}

/** `vmcore --help`. */
export function overview(summaries: readonly (readonly [string, string])[]): string {
  return `Usage: vmcore COMMAND [OPTION]... FILE...

Reads the memory of a crashed Linux kernel (/proc/vmcore, or a core saved from it).

Commands:
${table(summaries)}
'vmcore COMMAND --help' tells more. 'vmcore --version' prints the version.
VMCORE_DEBUG=1 in the environment adds stack traces to errors; NO_COLOR=1 turns colours off.

${exitStatus()}`;
}

/** `vmcore COMMAND --help`. */
export function commandHelp(command: Command): string {
  const options = [...command.options, ...commonOptions].map(
    (option) => [spelling(option), option.help] as const,
  );
  const examples = command.examples.map(([line, what]) => `  # ${what}\n  ${line}\n`).join('');
  return `Usage: ${command.usage}

${command.about}

Options:
${table(options)}
Examples:
${examples}
${exitStatus(command)}`;
}
