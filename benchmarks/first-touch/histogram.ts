import type { Distribution } from '../../lib/bench/index.ts';

const BAR = 40;

/** A histogram as lines of text: a bar for each doubling. */
export function formatHistogram(histogram: Distribution['histogram']): string {
  const doublings = new Map<number, number>();
  for (const { from, count } of histogram) {
    const doubling = Math.floor(Math.log2(from));
    doublings.set(doubling, (doublings.get(doubling) ?? 0) + count);
  }
  const most = Math.max(...doublings.values());
  const lines = Array.from(doublings, ([doubling, count]) => {
    const bar = '#'.repeat(Math.ceil((count / most) * BAR));
    return `${String(doubling === 0 ? 0 : 2 ** doubling).padStart(9)} | ${bar.padEnd(BAR)} ${count}`;
  });
  return lines.join('\n');
}
