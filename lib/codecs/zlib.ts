import type { CodecKind } from './codec.ts';
import { addonZlib } from './zlib-addon.ts';
import { nodeZlib } from './zlib-node.ts';

/** zlib streams (RFC 1950), one for each page. */
export const zlib: CodecKind = {
  levels: { min: 1, max: 9, standard: 1 },
  implementations: [addonZlib, nodeZlib],
};
