import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Recorder, readNotes, startRecorder } from "../support/recorder/server.ts";

/** The recorder as a server: what it forwards, where to, and what it records. */

interface Seen {
  readonly by: string;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let folder: string;
let recorder: Recorder;
let seen: Seen[];
let servers: Server[];

/** Answers every request, except `/lost`, where it closes the connection. */
const serve = async (by: string): Promise<string> => {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url, headers } = incoming;
    seen.push({ by, method, url, headers, body: Buffer.concat(chunks).toString() });
    if (url === "/lost") return void incoming.socket.destroy();
    outgoing.writeHead(418, { "x-of": by, "content-type": "application/json" }).end('{"jobId":"j"}');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hone-recorder-"));
  seen = [];
  servers = [];
  recorder = await startRecorder(join(folder, "calls.jsonl"));
});

afterEach(async () => {
  await recorder.stop();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

const connect = async () =>
  recorder.passTo({ aws: await serve("aws"), certificate: null, batch: await serve("batch") });
const notes = () => readNotes(join(folder, "calls.jsonl"));
const signed = (service: string) =>
  `AWS4-HMAC-SHA256 Credential=ASIA1/20261123/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;

/** With Node's own client, because fetch changes the path and the headers. */
const send = (path: string, headers: Record<string, string>, body = "") =>
  new Promise<{ status: number | undefined; by: unknown; body: string }>((resolve, reject) => {
    const { hostname, port } = new URL(recorder.url);
    const call = request({ hostname, port, path, method: "POST", headers }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({
        status: answer.statusCode,
        by: answer.headers["x-of"],
        body: Buffer.concat(chunks).toString(),
      });
    });
    call.on("error", reject).end(body);
  });

test("requests and replies are forwarded unchanged, including the signed Host header", async () => {
  await connect();
  const headers = {
    authorization: signed("dynamodb"),
    "x-amz-target": "DynamoDB_20120810.GetItem",
    host: "dynamodb.us-east-1.amazonaws.com",
  };
  const answer = await send("/a%2Fb?x=%20", headers, '{"TableName":"t"}');
  expect(answer).toEqual({ status: 418, by: "aws", body: '{"jobId":"j"}' });
  expect(seen).toMatchObject([
    { by: "aws", method: "POST", url: "/a%2Fb?x=%20", headers, body: '{"TableName":"t"}' },
  ]);
});

test("calls of Batch are sent to the local Batch, all others to the emulator", async () => {
  await connect();
  expect(await send("/v1/submitjob", { authorization: signed("batch") }, "{}")).toMatchObject({
    by: "batch",
  });
  expect(await send("/v1/submitjob", { authorization: signed("sqs") }, "{}")).toMatchObject({ by: "aws" });
  expect(await send("/v1/submitjob", {}, "{}")).toMatchObject({ by: "aws" });
});

test("the record has the caller and the operation, and nothing of the content", async () => {
  await connect();
  const headers = {
    authorization: signed("sqs"),
    "x-amz-target": "AmazonSQS.SendMessage",
    "user-agent": "aws-sdk-js/3 app/hone-events",
  };
  await send("/", headers, '{"QueueUrl":"http://x/000000000000/q","MessageBody":"a secret"}');
  await send("/_aws/execute-api/id/$default/v1/teams/a/studies?cursor=secret", {
    authorization: "Bearer secret",
  });
  expect(notes()).toMatchObject([
    { kind: "call", lambda: "events", byTest: false, operation: "sqs:SendMessage", status: 418 },
    { kind: "request", method: "POST", path: "/v1/teams/a/studies", status: 418 },
  ]);
  expect(JSON.stringify(notes())).not.toContain("secret");
});

test("when the connection breaks upstream, it is closed downstream, and the call is recorded", async () => {
  await connect();
  await expect(send("/lost", { authorization: signed("dynamodb") })).rejects.toThrow(/hang up|ECONNRESET/);
  expect(notes()).toMatchObject([{ status: 0 }]);
});

test("until the targets are set, it is unavailable", async () => {
  expect(await send("/", {})).toMatchObject({ status: 503 });
});
