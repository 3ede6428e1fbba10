import { randomUUID } from "node:crypto";
import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { getRetryPlugin } from "@smithy/core/retry";
import { getSchemaSerdePlugin } from "@smithy/core/schema";
import { clientFor, type TestTable } from "../table.ts";
import { TableError } from "./errors.ts";
import { MemoryTable } from "./memory-table.ts";

export interface TestMemoryTable extends TestTable {
  readonly table: MemoryTable;
}

/** The part of an SDK request that this process needs. */
interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const decoder = new TextDecoder();

/** Answers the SDK's requests from a table in this process, in place of an HTTP connection. */
export const handlerFor = (table: MemoryTable) => ({
  metadata: { handlerProtocol: "in-process" },
  handle: async ({ headers, body }: Request) => {
    const operation = (headers["x-amz-target"] ?? "").split(".")[1] ?? "";
    const text = typeof body === "string" ? body : decoder.decode(body);
    return { response: respond(() => table.execute(operation, JSON.parse(text))) };
  },
  destroy: () => {},
});

const respond = (run: () => object) => {
  try {
    return response(200, run());
  } catch (error) {
    if (!(error instanceof TableError)) throw error;
    const { type, message, fields } = error;
    return response(400, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message, ...fields });
  }
};

const response = (statusCode: number, body: object) => ({
  statusCode,
  headers: { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": randomUUID() },
  body: Buffer.from(JSON.stringify(body)),
});

/** What the SDK does for a wire and a log, which are not there: three quarters of the time of a call in this process. */
const FOR_A_WIRE = [
  "loggerMiddleware",
  "getUserAgentMiddleware",
  "hostHeaderMiddleware",
  "recursionDetectionMiddleware",
  "httpSigningMiddleware",
];

const withoutWire = (client: DynamoDBClient): DynamoDBClient => {
  for (const name of FOR_A_WIRE) {
    if (!client.middlewareStack.remove(name)) throw new Error(`The SDK has no ${name} to leave out.`);
  }
  return client;
};

/**
 * The SDK copies a client's settings three times for each call. As it builds them, V8 keeps them as a dictionary, of which a
 * copy takes a hundred times as long as of a plain object.
 */
const withPlainSettings = (client: DynamoDBClient): DynamoDBClient => {
  const config = { ...client.config };
  client.middlewareStack.use(getSchemaSerdePlugin(config));
  client.middlewareStack.use(getRetryPlugin(config));
  return Object.assign(client, { config });
};

/** What the SDK would look for in the environment and in files, for each client anew. */
const SETTINGS = {
  ...clientFor("http://in-process.invalid"),
  maxAttempts: 3,
  retryMode: "standard",
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  accountIdEndpointMode: "disabled",
  defaultsMode: "standard",
} as const;

/**
 * @param config settings of the client, such as `maxAttempts`.
 * @param now milliseconds since 1970, for the age of transactions' tokens.
 * @returns an empty table of its own in this process, and a client of the SDK that talks to it.
 */
export const createMemoryTable = (
  config: DynamoDBClientConfig = {},
  now: () => number = Date.now,
): TestMemoryTable => {
  const table = new MemoryTable(`test-${randomUUID()}`, now);
  const client = new DynamoDBClient({ ...SETTINGS, ...config, requestHandler: handlerFor(table) });
  return { client: withPlainSettings(withoutWire(client)), tableName: table.name, table };
};
