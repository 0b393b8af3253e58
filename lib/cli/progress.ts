import { styleText } from 'node:util';
import type { Progress } from '../index.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;
const BAR_WIDTH = 30;

/** Shows how far a pass is: one line that is redrawn on a terminal, a plain line now and then elsewhere. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  readonly #isTerminal: boolean;
  readonly #hasColor: boolean;
  #phase = '';
  #lastShown = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#isTerminal = stream.isTTY === true && process.env.TERM !== 'dumb';
    this.#hasColor = this.#isTerminal && !process.env.NO_COLOR;
  }

  update(progress: Progress): void {
    const now = performance.now();
    const isNewPhase = progress.phase !== this.#phase;
    if (!isNewPhase && now - this.#lastShown < (this.#isTerminal ? REDRAW_MS : PLAIN_LINE_MS)) return;
    this.#phase = progress.phase;
    this.#lastShown = now;
    const numbers = describe(progress);
    if (this.#isTerminal) this.#stream.write(`\r${this.#bar(progress)} ${progress.phase}: ${numbers}\x1b[K`);
    else this.#stream.write(`vmcore: ${progress.phase}: ${numbers}\n`);
  }

  /** Leaves a clean line behind. */
  end(): void {
    if (this.#isTerminal && this.#phase) this.#stream.write('\r\x1b[K');
    this.#phase = '';
  }

  #bar({ pages, totalPages }: Progress): string {
    const filled = Math.round(BAR_WIDTH * (totalPages > 0 ? pages / totalPages : 0));
    const bar = '#'.repeat(filled);
    return `[${this.#hasColor ? styleText('cyan', bar) : bar}${' '.repeat(BAR_WIDTH - filled)}]`;
  }
}

function describe({ pages, totalPages, bytesPerSecond, etaSeconds }: Progress): string {
  const parts = [`${formatCount(pages)} of ${formatCount(totalPages)} pages`];
  if (bytesPerSecond > 0) parts.push(`${formatBytes(bytesPerSecond)}/s`);
  if (etaSeconds !== undefined) parts.push(`${formatDuration(etaSeconds)} left`);
  return parts.join(', ');
}
