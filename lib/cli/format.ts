const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `55051` as `55,051`, in any locale. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Seconds for a person: `0.42 s`, `38 s`, `2 min 5 s`, `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Rows of a label and what it says, aligned; rows that say nothing are left out. */
export function formatRows(rows: readonly (readonly [label: string, text: string | undefined])[]): string {
  const given = rows.filter(([, text]) => text !== undefined);
  const width = Math.max(0, ...given.map(([label]) => label.length)) + 2;
  return given.map(([label, text]) => `${label.padEnd(width)}${text}\n`).join('');
}
