import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { DumpOptions, Vmcore } from 'vmcore';
import { dumpInParts, PartStream, sha256 } from './parts.ts';
import type { Place, PlaceOptions, SavedDump } from './place.ts';
import { retry, statusError } from './retry.ts';

/**
 * A bucket. The dump is one object, in its flattened form, uploaded in parts. Credentials, region and the endpoint of other
 * storage than Amazon's come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL.
 */
export class S3Place implements Place {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #options: PlaceOptions;

  constructor(target: string, folder: string, options: PlaceOptions) {
    const { host, pathname } = new URL(target);
    this.#bucket = host;
    this.#prefix = `${pathname.replace(/^\/|\/$/g, '')}/${folder}/`.replace(/^\//, '');
    this.#options = options;
    this.#client = new S3Client({
      maxAttempts: 1, // those of retry() are enough
      forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined,
      requestHandler: {
        connectionTimeout: options.timeout,
        requestTimeout: options.timeout,
        throwOnRequestTimeout: true,
      },
    });
  }

  async save(name: string, bytes: Uint8Array): Promise<void> {
    const object = { ...this.#object(name), Body: bytes, ChecksumSHA256: sha256(bytes).toString('base64') };
    await this.#retry(name, () => this.#client.send(new PutObjectCommand(object)));
  }

  async dump(core: Vmcore, options: DumpOptions): Promise<SavedDump> {
    const name = 'vmcore.flat';
    const object = this.#object(name);
    const create = new CreateMultipartUploadCommand({ ...object, ChecksumAlgorithm: 'SHA256' });
    const { UploadId } = await this.#retry(name, () => this.#client.send(create));
    const upload = { ...object, UploadId };
    const stored: CompletedPart[] = [];
    const stream = new PartStream(this.#options.partBytes, async (PartNumber, bytes, digest) => {
      const part = { PartNumber, ChecksumSHA256: digest.toString('base64') };
      const command = new UploadPartCommand({ ...upload, ...part, Body: bytes });
      const { ETag } = await this.#retry(`${name}, part ${PartNumber}`, () => this.#client.send(command));
      stored.push({ ...part, ETag });
      return `${name}#${PartNumber}`;
    });
    try {
      const dump = await dumpInParts(core, name, stream, options);
      if (stored.length === 0) throw dump.error;
      const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: stored } });
      await this.#retry(name, () => this.#client.send(complete));
      return dump;
    } catch (error) {
      // Parts of an upload that is not completed are invisible, and cost.
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
      throw error;
    }
  }

  #object(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${name}` };
  }

  #retry<T>(name: string, action: () => Promise<T>): Promise<T> {
    return retry(name, this.#options, () =>
      action().catch((error) => {
        const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
        throw status === undefined ? error : statusError(`${name}: ${error.message}`, status);
      }),
    );
  }
}
