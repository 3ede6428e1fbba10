import { createServer, type IncomingHttpHeaders, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ApiProxy, startProxy } from "../../local/proxy.ts";

let proxy: ApiProxy;
let api: Server;
let target: string;

/** An API that replies with the request that it got. */
beforeEach(async () => {
  api = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    outgoing.writeHead(201, { "x-request-id": "r1", "content-type": "application/json" });
    outgoing.end(
      JSON.stringify({
        method: incoming.method,
        url: incoming.url,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString("base64"),
      }),
    );
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  target = `http://127.0.0.1:${(api.address() as AddressInfo).port}/_aws/execute-api/abc/$default`;
  proxy = await startProxy(0);
});

afterEach(async () => {
  await proxy.stop();
  api.close();
  api.closeAllConnections();
});

/** A request whose path is not normalised by the client. */
const raw = (path: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(proxy.api);
    request({ hostname, port, path }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });

test("until the stack is deployed, requests are answered with 503", async () => {
  const response = await fetch(`${proxy.api}/healthz`);
  expect(response.status).toBe(503);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ status: 503, retry: true });
});

test("method, path, query, headers, body, status and reply are forwarded unchanged", async () => {
  proxy.passTo({ url: target });
  const body = Buffer.from([0, 255, 10, 13, 0]);
  const response = await fetch(`${proxy.api}/teams/acme/studies?limit=2&cursor=a%2Fb`, {
    method: "PATCH",
    headers: { authorization: "Bearer hone_x", "idempotency-key": "k" },
    body,
  });
  expect(response.status).toBe(201);
  expect(response.headers.get("x-request-id")).toBe("r1");
  const seen = (await response.json()) as { headers: IncomingHttpHeaders };
  expect(seen).toMatchObject({
    method: "PATCH",
    url: "/_aws/execute-api/abc/$default/v1/teams/acme/studies?limit=2&cursor=a%2Fb",
    headers: { authorization: "Bearer hone_x", "idempotency-key": "k", host: new URL(target).host },
    body: body.toString("base64"),
  });
});

test("unusual paths reach the API unchanged", async () => {
  proxy.passTo({ url: target });
  const { body } = await raw("/v1/teams/a/../b//studies/%2e%2e/S1");
  expect(JSON.parse(body).url).toBe("/_aws/execute-api/abc/$default/v1/teams/a/../b//studies/%2e%2e/S1");
});

test("when the emulator is gone, the reply is a 502 with the reason", async () => {
  proxy.passTo({ url: "http://127.0.0.1:1" });
  const response = await fetch(`${proxy.api}/healthz`);
  expect(response.status).toBe(502);
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining("ECONNREFUSED") });
});
