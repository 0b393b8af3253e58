/** A cell: numbers stand to the right, with their thousands apart. */
export type Cell = string | number;

/** A Markdown table that is aligned for reading too. */
export function formatTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const text = rows.map((row) => row.map(formatCell));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...text.map((row) => row[column]!.length)),
  );
  const numeric = head.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => `${'-'.repeat(width + (numeric[i] ? 1 : 2))}${numeric[i] ? ':' : ''}`).join('|')}|`;
  return [line(head), rule, ...text.map(line)].join('\n');
}

function formatCell(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '-';
  if (Number.isInteger(cell)) return String(cell).replace(/\B(?=(\d{3})+$)/g, ' ');
  return cell >= 100 ? cell.toFixed(0) : cell >= 10 ? cell.toFixed(1) : cell.toFixed(2);
}
