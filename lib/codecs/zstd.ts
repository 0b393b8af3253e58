import type { CodecKind } from './codec.ts';
import { zstdNapi } from './zstd-napi.ts';
import { nodeZstd } from './zstd-node.ts';

/** zstd frames (RFC 8878), one for each page. The levels are those of libzstd 1.5 (ZSTD_minCLevel, ZSTD_maxCLevel). */
export const zstd: CodecKind = {
  levels: { min: -131072, max: 22, standard: 1 },
  implementations: [zstdNapi, nodeZstd],
};
