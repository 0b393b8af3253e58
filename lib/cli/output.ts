/** The streams of a run: what it was asked for goes to stdout, all else to stderr. */
export class Output {
  /** One JSON value on stdout instead of text. */
  json = false;
  /** Exit status of a command that worked, where what it found out has one. */
  status = 0;
  /** Exit status of a command that failed. */
  failureStatus = 1;
  /** Whether a dump goes to stdout: then all else goes to stderr. */
  isStdoutTaken = false;
  #hasPrintedJson = false;
  readonly #guarded = new Set<NodeJS.WriteStream>();

  /** Writes to stdout, unless that is taken. A reader that closed its end (`| head`) is no error: it has read enough. */
  print(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream(this.isStdoutTaken ? 'stderr' : 'stdout').write(text, (error) => {
        if (error && !isClosedPipe(error)) reject(error);
        else resolve();
      });
    });
  }

  /** Whether standard output has its one value. */
  get hasPrintedJson(): boolean {
    return this.#hasPrintedJson;
  }

  printJson(value: unknown): Promise<void> {
    this.#hasPrintedJson = true;
    return this.print(`${JSON.stringify(value, toJson, 2)}\n`);
  }

  /** Writes a line to stderr. */
  note(line: string): void {
    this.#stream('stderr').write(`${line}\n`);
  }

  /** Its errors come to whoever writes; without a listener they would also end the process. */
  #stream(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
    const stream = process[name];
    if (!this.#guarded.has(stream)) stream.on('error', () => {});
    this.#guarded.add(stream);
    return stream;
  }
}

/** 64-bit values do not fit JSON's numbers: they become hexadecimal text, as tools of the field print them. */
function toJson(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { ...value, message: value.message, cause: undefined };
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  return value instanceof Map ? Object.fromEntries(value) : value;
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
