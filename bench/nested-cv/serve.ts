import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Context } from "aws-lambda";
import { createApi } from "../../functions/api/index.ts";
import type { ApiEvent } from "../../functions/middleware/event.ts";
import { callerAs } from "../../test/support/callers.ts";
import { createMemoryTable } from "../../test/support/memory-table/client.ts";
import { testDeps } from "../../test/support/service.ts";

/** The api Lambda on a loopback port and a table in this process, for clients that speak HTTP. Every caller is an owner. */
export const serve = async (): Promise<{ readonly api: string; readonly close: () => void }> => {
  const { client, tableName } = createMemoryTable();
  const clock = {
    get now() {
      return Date.now();
    },
  };
  // The Lambda logs every request there.
  console.log = () => {};
  const deps = testDeps(client, tableName, clock);
  const api = createApi(() => deps);
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const reply = await api(eventOf(method, url, headers, Buffer.concat(chunks)), context());
    response.writeHead(reply.statusCode ?? 500, reply.headers as Record<string, string>);
    response.end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { api: `http://127.0.0.1:${port}/v1`, close: () => server.close() };
};

const owner = callerAs("owner");

const eventOf = (method: string, url: string, headers: object, body: Buffer): ApiEvent => {
  const [rawPath = "", rawQueryString = ""] = url.split("?");
  return {
    rawPath,
    rawQueryString,
    headers,
    requestContext: {
      requestId: randomUUID(),
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "bench" },
      authorizer: { lambda: { caller: JSON.stringify(owner) } },
    },
    ...(body.length > 0 && { body: body.toString() }),
    isBase64Encoded: false,
  } as unknown as ApiEvent;
};

const context = () => ({ getRemainingTimeInMillis: () => 25_000, awsRequestId: randomUUID() }) as Context;
