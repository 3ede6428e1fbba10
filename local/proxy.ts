import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { request as httpsRequest } from "node:https";

export interface ApiProxy {
  /** Base URL up to and including `/v1`. */
  readonly api: string;
  /** Sets the API to which requests are forwarded; before that they are answered with 503. */
  passTo(target: ProxyTarget): void;
  stop(): Promise<void>;
}

export interface ProxyTarget {
  /** Where the emulator serves the deployed API, without a trailing slash. */
  readonly url: string;
  /** PEM of the emulator's self-signed certificate, if it uses https. */
  readonly certificate?: Buffer | null;
}

/** Headers of one connection, which are not forwarded. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Gives the deployed API a short local URL that any HTTP client can call: the emulator's URL is long, and the host name that
 * it reports cannot be resolved. Paths, headers and bodies are forwarded unchanged.
 * @param port 0 for any free port.
 */
export const startProxy = async (port: number): Promise<ApiProxy> => {
  let target: ProxyTarget | null = null;
  const server = createServer((incoming, outgoing) => {
    const fail = (status: number, detail: string): void => {
      if (outgoing.headersSent) return void outgoing.destroy();
      outgoing.writeHead(status, { "content-type": "application/problem+json" }).end(
        JSON.stringify({
          type: "local-proxy",
          title: "The local proxy",
          status,
          detail,
          retry: status === 503,
        }),
      );
    };
    if (target === null) return fail(503, "The stack is being deployed.");
    const url = new URL(target.url);
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    try {
      const passed = send(
        {
          hostname: url.hostname,
          port: url.port,
          method: incoming.method,
          path: url.pathname + incoming.url,
          headers: { ...endToEnd(incoming), host: url.host },
          ...(target.certificate ? { ca: target.certificate } : {}),
        },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, endToEnd(answer));
          answer.pipe(outgoing);
        },
      );
      passed.on("error", (error) => fail(502, `The emulator does not answer: ${error.message}`));
      outgoing.on("close", () => passed.destroy());
      incoming.pipe(passed);
    } catch (error) {
      fail(400, String(error)); // the path has characters that a request must not have
    }
  });
  await new Promise<void>((resolve, reject) =>
    server.once("error", reject).listen(port, "127.0.0.1", resolve),
  );
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    api: `http://127.0.0.1:${bound}/v1`,
    passTo: (to) => {
      target = to;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const endToEnd = ({ headers }: IncomingMessage): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
