// Why a program did not open a file, from what it printed.

export function reasonOf(error: unknown): string {
  return String(error);
}
