import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import type { Checkpoints } from "../../shared/ports.ts";

/** What becomes of a request instead of a success: an answer of S3, or a connection that breaks (null). */
export type Fault = { readonly status: number; readonly code: string } | null;

/** A server of presigned URLs: objects by their paths. */
export class Bucket {
  readonly objects = new Map<string, Buffer>();
  /** Paths of all uploads that began. */
  readonly puts: string[] = [];
  /** What becomes of the next requests. */
  readonly faults: Fault[] = [];
  /** What uploads wait for. */
  gate: Promise<void> = Promise.resolve();
  readonly #waiting: (() => void)[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  /** Resolves when the `count`-th upload has begun. */
  async uploading(count = 1): Promise<void> {
    while (this.puts.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "", headers } = request;
    const isPut = method === "PUT";
    if (isPut) this.puts.push(url);
    for (const wake of this.#waiting.splice(0)) wake();
    // Like S3, which takes no second way of signing, and no body of unknown length.
    const isValid =
      headers.authorization === undefined && (!isPut || headers["content-length"] !== undefined);
    const fault = isValid ? this.faults.shift() : { status: 400, code: "InvalidRequest" };
    if (fault === null) return void request.socket.destroy();
    if (fault !== undefined) return refuse(response, fault);
    if (isPut) {
      // Of an upload that breaks off S3 keeps nothing.
      const body = await buffer(request).catch(() => null);
      if (body === null) return;
      await this.gate;
      this.objects.set(url, body);
      return void response.writeHead(200).end();
    }
    const object = this.objects.get(url);
    if (object === undefined) return refuse(response, { status: 404, code: "NoSuchKey" });
    response.writeHead(200, { "content-length": object.length }).end(object);
  }
}

const refuse = (response: ServerResponse, { status, code }: NonNullable<Fault>): void => {
  response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
};

/** A bucket for one test. */
export const serveBucket = async (): Promise<Bucket> => {
  const bucket = await new Bucket().start();
  onTestFinished(() => bucket.stop());
  return bucket;
};

/** Lets no upload end. @returns what lets them go on. */
export const gated = (bucket: Bucket): (() => void) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  bucket.gate = promise;
  return resolve;
};

/** The bucket as the service knows it. */
export const checkpointsOn = (bucket: Bucket): Checkpoints => {
  const url = async (key: string) => bucket.url(`/${key}`);
  const keys = () => [...bucket.objects.keys()].map((path) => path.slice(1)).sort();
  return {
    uploadUrl: url,
    downloadUrl: url,
    exists: async (key) => bucket.objects.has(`/${key}`),
    put: async (key, text) => void bucket.objects.set(`/${key}`, Buffer.from(text)),
    list: async (prefix, after) => keys().filter((key) => key.startsWith(prefix) && key > after),
    remove: async (key) => void bucket.objects.delete(`/${key}`),
  };
};
