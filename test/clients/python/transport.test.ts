import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { python } from "./driver.ts";

/** Connections: kept open, opened again, and through a proxy. */

const STUDY = JSON.stringify({ study: "s-1", objectives: [], trials: [], state: "running" });

const listen = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const environment = (api: string) => ({
  HONE_API: `${api}/v1`,
  HONE_TEAM: "acme",
  HONE_TOKEN: "hone_secret",
});

test("a thread keeps its connection; one that the service has closed is opened again", async () => {
  let connections = 0;
  const server = createServer((_, response) => void response.end(STUDY));
  server.on("connection", () => connections++);
  const api = await listen(server);
  const script = `
import hone, sys
study = hone.load_study("s-1")
for _ in range(5): study.info()
print("idle", flush=True)
`;
  await python(script, environment(api));
  expect(connections).toBe(1);

  server.keepAliveTimeout = 1; // and Node's own second on top
  const idle = `
import hone, time
study = hone.load_study("s-1")
time.sleep(2.5)
study.info()
`;
  await python(idle, environment(api));
  expect(connections).toBe(3);
});

test("a fork does not share its parent's connection", async () => {
  let connections = 0;
  const server = createServer((_, response) => void response.end(STUDY));
  server.on("connection", () => connections++);
  const script = `
import hone, os
study = hone.load_study("s-1")
child = os.fork()
study.info()
if child: os.waitpid(child, 0)
`;
  await python(script, environment(await listen(server)));
  expect(connections).toBe(2);
});

test("the environment's proxy is used for http and https, but not for this machine", async () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
    response.end(STUDY);
  });
  proxy.on("connect", ({ url, headers }, socket) => {
    seen.push(`CONNECT ${url} ${headers["proxy-authorization"]}`);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  const address = (await listen(proxy)).replace("http://", "http://me:se%40cret@");
  const proxies = { http_proxy: address, https_proxy: address };
  await python('import hone; hone.load_study("s-1")', { ...environment("http://hone.test"), ...proxies });
  const secure = `
import hone
try: hone.load_study("s-1", client=hone.Client(patience=0))
except hone.Unreachable as error: print(error)
`;
  expect(await python(secure, { ...environment("https://hone.test"), ...proxies })).toContain("403");
  const authorization = `Basic ${Buffer.from("me:se@cret").toString("base64")}`;
  expect(seen).toEqual([
    `GET http://hone.test/v1/teams/acme/studies/s-1 ${authorization}`,
    `CONNECT hone.test:443 ${authorization}`,
  ]);
  const local = createServer((_, response) => void response.end(STUDY));
  await python('import hone; hone.load_study("s-1")', { ...environment(await listen(local)), ...proxies });
  expect(seen).toHaveLength(2);
});

test("no redirect is followed: the token is for the service alone", async () => {
  let reached = 0;
  const other = createServer((_, response) => {
    reached++;
    response.end(STUDY);
  });
  const elsewhere = await listen(other);
  const server = createServer((_, response) => void response.writeHead(307, { location: elsewhere }).end());
  const script = `
import hone
try: hone.load_study("s-1")
except hone.Refused as error: print(error.status)
`;
  expect(await python(script, environment(await listen(server)))).toBe("307\n");
  expect(reached).toBe(0);
});
