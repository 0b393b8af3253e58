import * as http from 'node:http';
import * as https from 'node:https';
import type { DumpOptions, Vmcore } from 'vmcore';
import { dumpInParts, PartStream, sha256 } from './parts.ts';
import type { Place, PlaceOptions, SavedDump } from './place.ts';
import { retry, statusError } from './retry.ts';

/**
 * A server that takes PUT. Each part is a file, `vmcore.flat.0001` and so on: one after the other they are the flattened
 * dump. Each request has the digest of its body (RFC 9530); where the answer has one too, it is compared.
 */
export class HttpPlace implements Place {
  readonly #url: string;
  readonly #options: PlaceOptions;

  constructor(target: string, folder: string, options: PlaceOptions) {
    this.#url = `${target.replace(/\/$/, '')}/${encodeURIComponent(folder)}`;
    this.#options = options;
  }

  async save(name: string, bytes: Uint8Array): Promise<void> {
    await this.#put(name, bytes, sha256(bytes));
  }

  dump(core: Vmcore, options: DumpOptions): Promise<SavedDump> {
    const name = 'vmcore.flat';
    const stream = new PartStream(this.#options.partBytes, async (number, bytes, digest) => {
      const part = `${name}.${String(number).padStart(4, '0')}`;
      await this.#put(part, bytes, digest);
      return part;
    });
    return dumpInParts(core, name, stream, options);
  }

  #put(name: string, bytes: Uint8Array, digest: Buffer): Promise<void> {
    const contentDigest = `sha-256=:${digest.toString('base64')}:`;
    return retry(name, this.#options, async () => {
      const { status, headers } = await this.#send(name, bytes, contentDigest);
      if (status < 200 || status > 299) throw statusError(name, status);
      const theirs = headers['content-digest'] ?? contentDigest;
      if (theirs !== contentDigest)
        throw new Error(`${name}: arrived as ${theirs} instead of ${contentDigest}`);
    });
  }

  #send(
    name: string,
    bytes: Uint8Array,
    digest: string,
  ): Promise<{ status: number; headers: http.IncomingHttpHeaders }> {
    const url = new URL(`${this.#url}/${name}`);
    const { request } = url.protocol === 'https:' ? https : http;
    const { timeout } = this.#options;
    return new Promise((resolve, reject) => {
      const headers = { 'content-length': bytes.length, 'content-digest': digest };
      const put = request(url, { method: 'PUT', headers, timeout }, (response) => {
        const { statusCode: status = 0, headers } = response;
        response
          .resume()
          .on('error', reject)
          .on('end', () => resolve({ status, headers }));
      });
      put.on('timeout', () => put.destroy(new Error(`${name}: no sign of life for ${timeout / 1000} s`)));
      put.on('error', reject).end(bytes);
    });
  }
}
