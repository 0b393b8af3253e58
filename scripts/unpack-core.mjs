// Unpacks a core that is kept compressed with zstd, once, into a cache that git ignores.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';

/** The core in the repository; NOTICE says what it contains. */
export const bundledCore = fileURLToPath(new URL('../test/fixtures/x86_64-6.1.elf.zst', import.meta.url));

const cacheDir = fileURLToPath(new URL('../node_modules/.cache/vmcore/', import.meta.url));
const block = 4096;

/** A decompressing stream: from zstd-napi where it is installed, else from Node 22.15 on its own. */
async function decompressor() {
  try {
    const { DecompressStream } = await import('zstd-napi');
    return new DecompressStream();
  } catch (cause) {
    if (zlib.createZstdDecompress) return zlib.createZstdDecompress();
    throw new Error('unpacking the core needs the package zstd-napi, or Node 22.15', { cause });
  }
}

/** Writes a stream to a file; blocks of zeros become holes. */
async function writeSparse(chunks, path) {
  const file = await open(path, 'wx', 0o600);
  const zeros = Buffer.alloc(block);
  let position = 0;
  try {
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length; ) {
        const isZero = (at) =>
          zeros.subarray(0, Math.min(block, chunk.length - at)).equals(chunk.subarray(at, at + block));
        let end = start;
        const hole = isZero(start);
        while (end < chunk.length && isZero(end) === hole) end = Math.min(end + block, chunk.length);
        if (!hole) await file.write(chunk, start, end - start, position + start);
        start = end;
      }
      position += chunk.length;
    }
    await file.truncate(position);
  } finally {
    await file.close();
  }
}

/** Named after the content, so that a changed fixture is never mistaken for the one unpacked before. */
async function unpackedPath(packed) {
  const hash = createHash('sha256')
    .update(await readFile(packed))
    .digest('hex')
    .slice(0, 16);
  return join(cacheDir, `${basename(packed, '.elf.zst')}-${hash}.elf`);
}

/**
 * The path of the unpacked core. Several processes may ask at once: each writes its own file and renames it into place.
 * @param {string} [packed] path of the .zst file
 * @returns {Promise<string>}
 */
export async function unpackCore(packed = bundledCore) {
  const path = await unpackedPath(packed);
  if (existsSync(path)) return path;
  await mkdir(cacheDir, { recursive: true });
  const part = `${path}.${process.pid}`;
  await rm(part, { force: true });
  await writeSparse(createReadStream(packed).pipe(await decompressor()), part);
  await rename(part, path);
  return path;
}
