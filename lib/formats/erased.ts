/** What makedumpfile, and dumps here, have in place of what was erased (makedumpfile.conf(5)). */
export const ERASED = 'X'.charCodeAt(0);
