import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { checkpointBucket } from "../../../shared/executor/checkpoint-bucket.ts";
import type { Checkpoints } from "../../../shared/ports.ts";
import { emulatorClient } from "../../support/emulator.ts";

/** The adapter on the emulator's S3, which checks signatures. */

const USER_AGENT = "hone app/hone-test";

const bucketAt = (url: string): Checkpoints => bucketOf(new SQSClient(emulatorClient()).config, url);

/** As `functions/deps.ts` makes it, of another client's settings. */
const bucketOf = (
  { credentials, region, sha256, requestHandler }: SQSClient["config"],
  url: string,
): Checkpoints =>
  checkpointBucket({
    url,
    signer: new SignatureV4({ service: "s3", credentials, region, sha256, uriEscapePath: false }),
    send: (request) => requestHandler.handle(request),
    userAgent: USER_AGENT,
  });

const makeBucket = async (): Promise<string> => {
  const url = `${inject("emulator")}/b-${randomUUID()}`;
  expect((await fetch(url, { method: "PUT" })).status).toBe(200);
  return url;
};

const KEY = "checkpoints/acme/svm-digits-7k2m/3/1-1764158400000-0123456789abcdef";
const put = (url: string, body: string) => fetch(url, { method: "PUT", body });

test("whoever has the URLs uploads and downloads without a credential", async () => {
  const bucket = bucketAt(await makeBucket());
  expect(await bucket.exists(KEY)).toBe(false);
  expect((await put(await bucket.uploadUrl(KEY, 60), "weights")).status).toBe(200);
  expect(await bucket.exists(KEY)).toBe(true);
  const reply = await fetch(await bucket.downloadUrl(KEY, 60));
  expect([reply.status, await reply.text()]).toEqual([200, "weights"]);
});

test("a URL is for one object, one method and a time", async () => {
  const bucket = bucketAt(await makeBucket());
  const url = await bucket.uploadUrl(KEY, 60);
  const other = url.replace("/3/1-", "/4/1-");
  expect(other).not.toBe(url);
  expect((await put(other, "mine")).status).toBe(403);
  expect((await fetch(url)).status).toBe(403);
  expect((await put(url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), "late")).status).toBe(403);
  expect(await bucket.exists(KEY)).toBe(false);
});

test.each([
  ["uploadUrl", "PutObject", "46f4aa4d4f1980284947c060efd608b39685fff6b362c08ac089b4abf8f18891"],
  ["downloadUrl", "GetObject", "575c3182d6bfb0b87e6c66c4101bee687d59c868e5ff5e26e9f32522183b0af3"],
] as const)(
  "on AWS %s is what getSignedUrl of @aws-sdk/s3-request-presigner 3.1169.0 makes",
  async (name, operation, signature) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T12:00:00Z") });
    onTestFinished(() => void vi.useRealTimers());
    const { config } = new SQSClient({
      region: "eu-central-1",
      credentials: {
        accessKeyId: "AKIAIOSFODNN7EXAMPLE",
        secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        sessionToken: "token/with+signs=",
      },
    });
    const host = "https://hone-bucket.s3.eu-central-1.amazonaws.com";
    expect(await bucketOf(config, host)[name](KEY, 3600)).toBe(
      `${host}/${KEY}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD` +
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261126%2Feu-central-1%2Fs3%2Faws4_request" +
        "&X-Amz-Date=20261126T120000Z&X-Amz-Expires=3600&X-Amz-Security-Token=token%2Fwith%2Bsigns%3D" +
        `&X-Amz-Signature=${signature}&X-Amz-SignedHeaders=host&x-id=${operation}`,
    );
  },
);

test("an object that is removed is gone, and removing it again is harmless", async () => {
  const bucket = bucketAt(await makeBucket());
  await put(await bucket.uploadUrl(KEY, 60), "weights");
  await bucket.remove(KEY);
  await bucket.remove(KEY);
  expect(await bucket.exists(KEY)).toBe(false);
});

test("lists have the keys of their prefix, in order, page after page", async () => {
  const url = await makeBucket();
  const bucket = bucketAt(url);
  const keys = ["checkpoints/a/1", "checkpoints/a/2 & <3>+", "checkpoints/b/1", "other/1"];
  for (const key of keys) await put(`${url}/${encodeURIComponent(key)}`, "x");
  expect(await bucket.list("checkpoints/", "")).toEqual(keys.slice(0, 3));
  expect(await bucket.list("checkpoints/a/", "")).toEqual(keys.slice(0, 2));
  expect(await bucket.list("checkpoints/", "checkpoints/a/2 & <3>+")).toEqual(["checkpoints/b/1"]);
  expect(await bucket.list("checkpoints/", "checkpoints/b/1")).toEqual([]);
});

/** A server that answers with one status after another, and counts. */
const answering = async (...statuses: (number | null)[]) => {
  const agents: unknown[] = [];
  const server = createServer((request, response) => {
    const status = statuses[agents.push(request.headers["user-agent"]) - 1];
    if (status === null || status === undefined) response.destroy();
    else response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`, agents };
};

test("a request that fails is repeated", async () => {
  const { url, agents } = await answering(503, null, 204);
  await bucketAt(url).remove(KEY);
  expect(agents).toEqual([USER_AGENT, USER_AGENT, USER_AGENT]);
});

test.each([
  ["busy", [500, 503, 429]],
  ["away", [null, null, null]],
])("a bucket that stays %s is unavailable for now, after three tries", async (_, statuses) => {
  for (const use of ["exists", "remove"] as const) {
    const { url, agents } = await answering(...statuses);
    await expect(bucketAt(url)[use](KEY)).rejects.toMatchObject({ type: "unavailable" });
    expect(agents).toHaveLength(3);
  }
});

test("a refusal is not taken for an empty list, nor for a removal", async () => {
  const { url } = await answering(403, 403);
  await expect(bucketAt(url).list("checkpoints/", "")).rejects.toMatchObject({ type: "unavailable" });
  await expect(bucketAt(url).remove(KEY)).rejects.toMatchObject({ type: "unavailable" });
});

test("what does not exist looks like a refusal to those that may not list: there is nothing", async () => {
  const { url } = await answering(403);
  expect(await bucketAt(url).exists(KEY)).toBe(false);
});
