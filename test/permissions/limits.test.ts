import { describe, expect, test } from "vitest";
import { itemBytes } from "../support/item-size.ts";
import { type Exchange, noteCall } from "../support/recorder/call.ts";
import { type LimitName, largest, limits, oversized } from "../support/recorder/limits.ts";
import type { ExecutionNote, Note } from "../support/recorder/note.ts";
import { noteRequest } from "../support/recorder/request.ts";

/** Each limit of AWS on payloads is checked: one payload within it and one beyond it. */

const exchange = (change: Partial<Exchange>): Exchange => ({
  method: "POST",
  path: "/",
  headers: {},
  body: "",
  status: 200,
  answer: "{}",
  answerHeaders: {},
  ms: 5,
  ...change,
});
const call = (service: string, target: string, body: object, change: Partial<Exchange> = {}): Note => {
  const note = noteCall(
    exchange({
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=ASIA1/20261123/us-east-1/${service}/aws4_request`,
        "x-amz-target": target,
      },
      body: JSON.stringify(body),
      ...change,
    }),
  );
  if (note === null) throw new Error("not a call");
  return note;
};
const batch = (path: string, body: object) => call("batch", "", body, { path: `/v1/${path}` });
const request = (change: Partial<Exchange>): Note => {
  const note = noteRequest(
    exchange({ path: "/_aws/execute-api/id/$default/v1/teams/a/studies?limit=1", ...change }),
  );
  if (note === null) throw new Error("not a request");
  return note;
};
const execution = (limit: LimitName, value: number): ExecutionNote => ({
  kind: "execution",
  name: "s-1",
  sizes: [{ limit, value }],
});

test("a request to the API is known by its path, under the emulator's host and under one of its own", () => {
  const route = { kind: "request", path: "/v1/teams/a/studies" };
  expect(request({})).toMatchObject(route);
  const host = "0a1b2c3d.execute-api.127.0.0.1:80";
  expect(request({ path: "/v1/teams/a/studies?limit=1", headers: { host } })).toMatchObject(route);
});

const text = (bytes: number) => "x".repeat(bytes);
const put = (bytes: number) => ({ TableName: "t", Item: { k: { S: text(bytes - 1) } } });
const transact = (...TransactItems: object[]) => call("dynamodb", "D.TransactWriteItems", { TransactItems });
const writes = (count: number) =>
  call("dynamodb", "D.BatchWriteItem", {
    RequestItems: { t: Array(count).fill({ DeleteRequest: { Key: { k: { S: "a" } } } }) },
  });
const send = (bytes: number) => call("sqs", "S.SendMessage", { QueueUrl: "q", MessageBody: text(bytes) });
const entries = (bytes: number) =>
  call("sqs", "S.SendMessageBatch", { QueueUrl: "q", Entries: [{ MessageBody: text(bytes) }] });
const startNamed = (length: number) =>
  call("states", "A.StartExecution", { name: text(length), input: "{}" });
const answered = (bytes: number) => call("states", "A.SendTaskSuccess", { output: text(bytes) });
const submit = (bytes: number) => batch("submitjob", { a: text(bytes - 8) });
const register = (bytes: number) => batch("registerjobdefinition", { a: text(bytes - 8) });

const KIB = 1024;
const planted: [LimitName, fits: Note, doesNot: Note][] = [
  ["DynamoDB item", call("dynamodb", "D.PutItem", put(400 * KIB)), transact({ Put: put(400 * KIB + 1) })],
  [
    "DynamoDB transaction",
    transact(...Array(100).fill({ Put: put(9) })),
    transact(...Array(101).fill({ Put: put(9) })),
  ],
  [
    "DynamoDB transaction size",
    transact(...Array(16).fill({ Put: put(256 * KIB) })),
    transact(...Array(17).fill({ Put: put(256 * KIB) })),
  ],
  ["DynamoDB batch write", writes(25), writes(26)],
  ["our dispatch message", send(4 * KIB), entries(4 * KIB + 1)],
  ["Step Functions payload", answered(256 * KIB), answered(256 * KIB + 1)],
  [
    "Step Functions history",
    execution("Step Functions history", 25_000),
    execution("Step Functions history", 25_001),
  ],
  ["Step Functions execution name", startNamed(80), startNamed(81)],
  ["Batch SubmitJob", submit(30 * KIB), submit(30 * KIB + 1)],
  ["Batch job definition", register(24 * KIB), register(24 * KIB + 1)],
  ["Lambda response", request({ answer: text(6_000_000) }), request({ answer: text(6 * KIB * KIB) })],
  ["HTTP API integration", request({ ms: 30_000 }), request({ ms: 30_001 })],
];

test.each(planted)("%s", (limit, fits, doesNot) => {
  expect(oversized([fits])).toEqual([]);
  expect(oversized([fits, doesNot])).toEqual([expect.stringContaining(`: ${limit} of `)]);
});

test("a message larger than SQS's limit is also larger than ours", () => {
  expect(oversized([send(KIB * KIB + 1)])).toHaveLength(2);
});

test("every limit has a case above", () => {
  const names = [...planted.map(([limit]) => limit), "SQS message"];
  expect(names.sort()).toEqual(Object.keys(limits).sort());
});

test("items that are read count like items that are written: the size of an updated item is known when it is read", () => {
  const answer = JSON.stringify({ Items: [{ k: { S: text(400 * KIB) } }] });
  const note = call("dynamodb", "D.Query", { TableName: "t" }, { answer });
  expect(oversized([note])).toEqual([
    expect.stringContaining("dynamodb:Query: DynamoDB item of 409601 bytes"),
  ]);
});

test("the largest payload per limit is reported", () => {
  expect(largest([writes(3), writes(7), answered(5)])).toEqual({
    "DynamoDB batch write": 7,
    "Step Functions payload": 5,
  });
});

describe("an item's size", () => {
  test.each<[string, Record<string, Record<string, unknown>>, number]>([
    ["text in UTF-8, with its name", { né: { S: "é" } }, 3 + 2],
    ["bytes, not base64", { b: { B: Buffer.alloc(10).toString("base64") } }, 1 + 10],
    ["a number by its digits", { n: { N: "12345" } }, 1 + 4],
    ["a number without its zeros at either end", { n: { N: "-0012300" } }, 1 + 4],
    ["a flag", { t: { BOOL: true } }, 1 + 1],
    ["a map", { m: { M: { a: { S: "b" } } } }, 1 + 3 + 2 + 1],
    ["a list", { l: { L: [{ S: "ab" }] } }, 1 + 3 + 2 + 1],
  ])("%s", (_, item, bytes) => {
    expect(itemBytes(item)).toBe(bytes);
  });
});
