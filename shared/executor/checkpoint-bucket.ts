import { buildQueryString, HttpRequest } from "@smithy/core/protocols";
import type { SignatureV4 } from "@smithy/signature-v4";
import { Unavailable } from "../errors.ts";
import type { Checkpoints } from "../ports.ts";
import { type CallOptions, type CallReply, callSigned } from "./signed-call.ts";

/**
 * Checkpoints in S3: the only file that calls it. Four requests and two signatures need no more than the signer and the HTTP
 * handler that every client of the SDK brings along; S3's own client and presigner add 143 kB to a bundle, this 7 kB.
 */
export interface BucketOptions extends CallOptions {
  /** URL of the bucket, without a slash at its end. */
  readonly url: string;
  /** Signs for the service `s3`, with paths as they are. */
  readonly signer: Pick<SignatureV4, "sign" | "presign">;
  readonly userAgent: string;
}

type Method = "GET" | "HEAD" | "PUT" | "DELETE";
type Query = Readonly<Record<string, string>>;

const NOT_FOUND = 404;
const FORBIDDEN = 403;

export const checkpointBucket = (options: BucketOptions): Checkpoints => ({
  uploadUrl: (key, seconds) => presigned(options, "PUT", "PutObject", key, seconds),
  downloadUrl: (key, seconds) => presigned(options, "GET", "GetObject", key, seconds),

  exists: async (key) => {
    const { status } = await call(options, "HEAD", key);
    // To those that may not list the bucket S3 answers that they may not see what does not exist.
    if (status === NOT_FOUND || status === FORBIDDEN) return false;
    return succeeded(status);
  },

  put: async (key, text) => {
    const { status } = await call(options, "PUT", key, {}, text);
    succeeded(status);
  },

  list: async (prefix, after) => {
    const { status, text } = await call(options, "GET", "", {
      "list-type": "2",
      "encoding-type": "url",
      prefix,
      ...(after !== "" && { "start-after": after }),
    });
    succeeded(status);
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = ""]) =>
      decodeURIComponent(key.replaceAll("+", " ")),
    );
  },

  remove: async (key) => {
    const { status } = await call(options, "DELETE", key);
    if (status !== NOT_FOUND) succeeded(status);
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
const call = (
  options: BucketOptions,
  method: Method,
  key: string,
  query: Query = {},
  body?: string,
): Promise<CallReply> =>
  callSigned(options, () =>
    requestOf(options, method, key, query, { "user-agent": options.userAgent }, body),
  );
