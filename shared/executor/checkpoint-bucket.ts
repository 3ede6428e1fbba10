import { setTimeout as pause } from "node:timers/promises";
import { buildQueryString, HttpRequest, type HttpResponse } from "@smithy/core/protocols";
import type { SignatureV4 } from "@smithy/signature-v4";
import { Unavailable } from "../errors.ts";
import type { Checkpoints } from "../ports.ts";

/**
 * Checkpoints in S3: the only file that calls it. Four requests and two signatures need no more than the signer and the HTTP
 * handler that every client of the SDK brings along; S3's own client and presigner add 143 kB to a bundle, this 7 kB.
 */
export interface BucketOptions {
  /** URL of the bucket, without a slash at its end. */
  readonly url: string;
  /** Signs for the service `s3`, with paths as they are. */
  readonly signer: Pick<SignatureV4, "sign" | "presign">;
  readonly send: (request: HttpRequest) => Promise<{ readonly response: HttpResponse }>;
  readonly userAgent: string;
}

type Method = "GET" | "HEAD" | "PUT" | "DELETE";
type Query = Readonly<Record<string, string>>;

const MAX_TRIES = 3;
const PAUSE_MS = 100;
const TOO_MANY = 429;
const SERVER_ERROR = 500;
const NOT_FOUND = 404;
const FORBIDDEN = 403;

export const checkpointBucket = (options: BucketOptions): Checkpoints => ({
  uploadUrl: (key, seconds) => presigned(options, "PUT", "PutObject", key, seconds),
  downloadUrl: (key, seconds) => presigned(options, "GET", "GetObject", key, seconds),

  exists: async (key) => {
    const { statusCode } = await call(options, "HEAD", key);
    // To those that may not list the bucket S3 answers that they may not see what does not exist.
    if (statusCode === NOT_FOUND || statusCode === FORBIDDEN) return false;
    return succeeded(statusCode);
  },

  put: async (key, text) => {
    const { statusCode } = await call(options, "PUT", key, {}, text);
    succeeded(statusCode);
  },

  list: async (prefix, after) => {
    const { statusCode, text } = await call(options, "GET", "", {
      "list-type": "2",
      "encoding-type": "url",
      prefix,
      ...(after !== "" && { "start-after": after }),
    });
    succeeded(statusCode);
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) =>
      decodeURIComponent(key.replaceAll("+", " ")),
    );
  },

  remove: async (key) => {
    const { statusCode } = await call(options, "DELETE", key);
    if (statusCode !== NOT_FOUND) succeeded(statusCode);
  },
});

/** @throws Unavailable */
const succeeded = (status: number): true => {
  if (status < 300) return true;
  throw Object.assign(new Unavailable(), { cause: new Error(`S3 answered ${status}`) });
};

const requestOf = (
  { url }: BucketOptions,
  method: Method,
  key: string,
  query: Query,
  headers: Query,
  body?: string,
): HttpRequest => {
  const { protocol, hostname, port, host, pathname } = new URL(`${url}/${key}`);
  return new HttpRequest({
    method,
    protocol,
    hostname,
    ...(port !== "" && { port: Number(port) }),
    path: pathname,
    query: { ...query },
    headers: { host, ...headers },
    ...(body !== undefined && { body }),
  });
};

/**
 * The same URL as the SDK's presigner makes. Of the headers the host alone is signed: whoever has the URL sends what others it
 * likes.
 */
const presigned = async (
  options: BucketOptions,
  method: Method,
  operation: string,
  key: string,
  seconds: number,
): Promise<string> => {
  const request = requestOf(
    options,
    method,
    key,
    { "x-id": operation },
    { "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" },
  );
  const { query = {} } = await options.signer.presign(request, { expiresIn: seconds });
  return `${options.url}/${key}?${buildQueryString(query)}`;
};

/** All requests may be repeated. @throws Unavailable when none of the tries was answered. */
const call = async (
  options: BucketOptions,
  method: Method,
  key: string,
  query: Query = {},
  body?: string,
) => {
  for (let tries = 1; ; tries++) {
    const isLast = tries === MAX_TRIES;
    try {
      const headers = { "user-agent": options.userAgent };
      const request = requestOf(options, method, key, query, headers, body);
      const signed = await options.signer.sign(request);
      const { response } = await options.send(new HttpRequest(signed));
      const text = await textOf(response);
      const { statusCode } = response;
      if (isLast || (statusCode !== TOO_MANY && statusCode < SERVER_ERROR)) return { statusCode, text };
    } catch (error) {
      if (isLast) throw Object.assign(new Unavailable(), { cause: error });
    }
    await pause(PAUSE_MS * tries);
  }
};

const textOf = async ({ body }: HttpResponse): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of (body ?? []) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};
