import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Gateway } from "./gateway.ts";

/** The gateway on a loopback port, for clients that speak HTTP. */
export const serve = async (call: Gateway): Promise<{ api: string; close: () => void }> => {
  const server = createServer(async (request, response) => {
    const bytes = await buffer(request).catch(() => null);
    // A client that was killed while it sent.
    if (bytes === null) return;
    const { authorization, ...headers } = request.headers as Record<string, string>;
    const answer = await call<unknown>(request.method ?? "", request.url ?? "", {
      token: (authorization ?? "").replace("Bearer ", ""),
      headers,
      ...(bytes.length > 0 && { bytes }),
    });
    response.writeHead(answer.status, answer.headers);
    response.end(
      answer.body === null || typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { api: `http://127.0.0.1:${port}/v1`, close: () => server.close() };
};
