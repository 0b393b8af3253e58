/** The streams of a run: what it was asked for goes to stdout, all else to stderr. */
export class Output {
  /** One JSON object on stdout instead of text. */
  json = false;

  /** Writes to stdout. A reader that closed its end (`| head`) is no error: it has read enough. */
  print(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => {
        if (error && !isClosedPipe(error)) reject(error);
        else resolve();
      });
    });
  }

  printJson(value: unknown): Promise<void> {
    return this.print(`${JSON.stringify(value, toJson, 2)}\n`);
  }

  /** Writes a line to stderr. */
  note(line: string): void {
    process.stderr.write(`${line}\n`);
  }
}

/** 64-bit values do not fit JSON's numbers: they become hexadecimal text, as tools of the field print them. */
function toJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  return value instanceof Map ? Object.fromEntries(value) : value;
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

/** Errors of the streams come to whoever writes; without a listener they would also end the process. */
export function ignoreStreamErrors(): void {
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
}
