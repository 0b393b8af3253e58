// How our VMCOREINFO of a vmlinux differs from that of makedumpfile -g, line by line.

/** An array that is declared without its length before it is defined has, for makedumpfile, 2^63 - 2 elements. */
const UNKNOWN_LENGTH = /^LENGTH\([a-z_]+\)=9223372036854775806$/;
/** In which header a type is, which tells page tables of other architectures apart. */
const SOURCE_FILE = /^SRCFILE\(pud_t\)=/;

/** Lines of theirs that ours has not, in their order, but for those that are explained here; ours may have more. */
export function differenceFromMakedumpfile(ours: string, theirs: string): string[] {
  const lines = ours.trim().split('\n');
  let next = 0;
  return theirs
    .trim()
    .split('\n')
    .filter((line) => {
      if (SOURCE_FILE.test(line)) return false;
      const at = lines.findIndex((one, i) => i >= next && (one === line || isLengthOf(one, line)));
      if (at >= 0) next = at + 1;
      return at < 0;
    });
}

/** Whether it is a length where makedumpfile has none. */
function isLengthOf(ours: string, theirs: string): boolean {
  return UNKNOWN_LENGTH.test(theirs) && /=\d{1,5}$/.test(ours) && ours.split('=')[0] === theirs.split('=')[0];
}
