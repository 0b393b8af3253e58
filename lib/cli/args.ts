import { parseArgs } from 'node:util';

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** Where it is not that of the command. */
  readonly exitStatus: number | undefined;

  constructor(message: string, exitStatus?: number) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** An option of a command. */
export interface Option {
  /** The long spelling, without the dashes. */
  readonly name: string;
  /** The letter of the short spelling. */
  readonly short?: string;
  /** What --help calls its value; without one the option takes none. */
  readonly value?: string;
  readonly help: string;
}

/** An option as given: its name and value. */
type Given = readonly [name: string, value: string | undefined];

/** A parsed command line. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #given: readonly Given[];

  constructor(positionals: readonly string[], given: readonly Given[]) {
    this.positionals = positionals;
    this.#given = given;
  }

  /** The same with other file names. */
  replaceFiles(...files: string[]): Arguments {
    return new Arguments(files, this.#given);
  }

  /** The same with options before those that were given, which win. */
  preceded(...options: Given[]): Arguments {
    return new Arguments(this.positionals, [...options, ...this.#given]);
  }

  /** The same with options behind those that were given: these win. */
  followed(...options: Given[]): Arguments {
    return new Arguments(this.positionals, [...this.#given, ...options]);
  }

  has(name: string): boolean {
    return this.#given.some(([given]) => given === name);
  }

  /** The value that was given last. */
  value(name: string): string | undefined {
    return this.#given.findLast(([given]) => given === name)?.[1];
  }

  /** All values, in the order in which they were given. */
  values(name: string): string[] {
    return this.#given.flatMap(([given, value]) => (given === name && value !== undefined ? [value] : []));
  }

  /** Which of `names` was given last. */
  last(...names: string[]): string | undefined {
    return this.#given.findLast(([given]) => names.includes(given))?.[0];
  }

  /** The value as a decimal integer in [min, max]. */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new UsageError(`--${name} is a number from ${min} to ${max}, not '${text}'`);
  }

  /** The value as a number of bytes, in units of 1024: `500M`. */
  bytes(name: string): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const [, digits, unit] = /^(\d+)([KMGTPE]?)$/i.exec(text) ?? [];
    const bytes = Number(digits) * 1024 ** ` KMGTPE`.indexOf(unit?.toUpperCase() || ' ');
    if (bytes > 0) return Math.min(bytes, Number.MAX_SAFE_INTEGER);
    throw new UsageError(`--${name} is a number of bytes, or of K, M, G, T, P or E, not '${text}'`);
  }
}

/** The spellings of getopt, as makedumpfile has them: `-cd 31`, `-d31`, `--num-threads=4`; later options win. */
export function parseArguments(options: readonly Option[], args: readonly string[]): Arguments {
  const config = Object.fromEntries(
    options.map(({ name, short, value }) => [
      name,
      { type: value ? ('string' as const) : ('boolean' as const), ...(short ? { short } : {}) },
    ]),
  );
  try {
    const { positionals, tokens } = parseArgs({
      args: [...args],
      options: config,
      allowPositionals: true,
      tokens: true,
    });
    const given = tokens.flatMap((token) =>
      token.kind === 'option' ? [[token.name, token.value] as const] : [],
    );
    return new Arguments(positionals, given);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The sentences after the first tell how to pass a file name that begins with a dash.
    throw new UsageError(error.message.split(/\.\s/)[0]?.replace(/\.$/, '') ?? error.message);
  }
}
