// Servers that uploads go to, on the loopback interface: one that takes PUT, and storage that speaks S3.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/**
 * What a server does to a request: answer with a status after it has taken the body; `garble` it, notice by the digest, and
 * refuse it; `lie`: accept it and name another digest; cut the connection (`reset`) or never answer (`hang`).
 */
export type Fault = number | 'garble' | 'lie' | 'reset' | 'hang';

/** A request with a body. */
export interface Received {
  readonly name: string;
  readonly authorization: string | undefined;
  readonly body: Buffer;
  readonly fault: Fault | undefined;
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

abstract class UploadServer {
  /** Bodies as they came, in their order, failed ones included. */
  readonly received: Received[] = [];
  /** What has been stored, by the path. */
  readonly stored = new Map<string, Buffer>();
  /** Which fault the next request of this name meets; of its own choice. */
  fault: (name: string, attempt: number) => Fault | undefined = () => undefined;
  readonly #server: Server;
  readonly #scheme: string;

  /** @param tls for https. */
  constructor(tls?: { readonly key: Buffer; readonly cert: Buffer }) {
    this.#scheme = tls ? 'https' : 'http';
    const serve = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    this.#server = tls ? createSecureServer(tls, serve) : createServer(serve);
  }

  /** @param host other than the loopback interface only where a guest has to reach it. */
  async listen(host = '127.0.0.1'): Promise<string> {
    await once(this.#server.listen(0, host), 'listening');
    return `${this.#scheme}://${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Is gone at once, with its connections. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Stores what arrived whole. */
  protected abstract accept(url: URL, request: IncomingMessage, body: Buffer, response: ServerResponse): void;
  /** Base64 of the digest that came with the request. */
  protected abstract digestOf(request: IncomingMessage): string | undefined;

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://host');
    const name = nameOf(url);
    const body = await buffer(request).catch(() => Buffer.alloc(0));
    const attempt = this.received.filter((one) => one.name === name).length + 1;
    const fault = this.fault(name, attempt);
    this.received.push({ name, authorization: request.headers.authorization, body, fault });
    if (fault === 'hang') return;
    if (fault === 'reset') return void request.socket.destroy();
    if (typeof fault === 'number') return void response.writeHead(fault).end();
    const arrived = fault === 'garble' ? Buffer.from(body).fill(0x58, 0, 1) : body;
    const digest = this.digestOf(request);
    if (digest !== undefined && sha256(arrived).toString('base64') !== digest)
      return void response.writeHead(400).end();
    if (fault === 'lie')
      response.setHeader('content-digest', `sha-256=:${sha256(Buffer.of()).toString('base64')}:`);
    this.accept(url, request, body, response);
  }
}

/** Stores what is PUT, by its path. */
export class PutServer extends UploadServer {
  protected override digestOf({ headers }: IncomingMessage): string | undefined {
    return /^sha-256=:(.*):$/.exec(String(headers['content-digest']))?.[1];
  }

  protected override accept(
    url: URL,
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): void {
    if (request.method !== 'PUT') return void response.writeHead(405).end();
    this.stored.set(decodeURIComponent(url.pathname), body);
    response.writeHead(201).end();
  }
}

/** The requests of S3 that uploads are made of; paths are /BUCKET/KEY. */
export class S3Server extends UploadServer {
  /** Parts of uploads that were neither completed nor aborted. */
  readonly uploads = new Map<string, Map<number, Buffer>>();

  protected override digestOf({ headers }: IncomingMessage): string | undefined {
    return headers['x-amz-checksum-sha256']?.toString();
  }

  protected override accept(
    url: URL,
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): void {
    const path = decodeURIComponent(url.pathname);
    const uploadId = url.searchParams.get('uploadId');
    const part = Number(url.searchParams.get('partNumber'));
    if (request.method === 'POST' && url.searchParams.has('uploads')) {
      const id = `upload-${this.uploads.size}`;
      this.uploads.set(id, new Map());
      return void xml(response, 'InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`);
    }
    const upload = this.uploads.get(uploadId ?? '');
    if (uploadId !== null && !upload) return void response.writeHead(404).end();
    if (request.method === 'DELETE') this.uploads.delete(uploadId!);
    else if (request.method === 'POST') {
      const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) =>
        Number(number),
      );
      this.stored.set(path, Buffer.concat(numbers.map((number) => upload!.get(number)!)));
      this.uploads.delete(uploadId!);
      return void xml(response, 'CompleteMultipartUploadResult', '');
    } else if (upload) upload.set(part, body);
    else this.stored.set(path, body);
    response
      .setHeader('etag', `"${sha256(body).toString('hex')}"`)
      .writeHead(request.method === 'DELETE' ? 204 : 200)
      .end();
  }
}

/** The last part of the path, and what of it S3 is asked to do. */
function nameOf({ pathname, searchParams }: URL): string {
  const file = decodeURIComponent(pathname).split('/').at(-1)!;
  if (searchParams.has('partNumber')) return `${file}#${searchParams.get('partNumber')}`;
  if (searchParams.has('uploads')) return `${file} (begin)`;
  return searchParams.has('uploadId') ? `${file} (end)` : file;
}

function xml(response: ServerResponse, name: string, content: string): void {
  response.setHeader('content-type', 'application/xml');
  response.end(`<?xml version="1.0" encoding="UTF-8"?><${name}>${content}</${name}>`);
}
