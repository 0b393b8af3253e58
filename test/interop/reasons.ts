// Why a program did not open a file, in its own words: the first thing it complains of, or what its Python module raised.

export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [first, ...said] = message.split('\n').filter((line) => line !== '');
  if (said.length === 0) return first ?? 'failed without a word';
  return `says \`${said.includes('Traceback (most recent call last):') ? said.at(-1) : said[0]}\``;
}
