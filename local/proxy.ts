import { randomUUID } from "node:crypto";
import {
  type ClientRequest,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { text } from "node:stream/consumers";
import type { Problem } from "../shared/schemas/problem.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";

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

/** Errors that a retry may overcome: Hone answers them with problem+json; the emulator, of its own, with nothing that helps. */
const TRANSIENT = new Set([429, 500, 502, 503, 504]);

const RETRY_SECONDS = 1;
/** Characters of an answer of the emulator that are quoted. */
const MOST = 500;

/**
 * Gives the deployed API a short local URL that any HTTP client can call: the emulator's URL is long, and the host name that
 * it reports cannot be resolved. Paths, headers and bodies are forwarded unchanged, except for errors that the emulator
 * answers by itself, which become problem+json. Requests beyond the limits wait for their turn, and are then refused with 429.
 * @param port 0 for any free port.
 */
export const startProxy = async (port: number, limits: AdmissionLimits): Promise<ApiProxy> => {
  const admission = new Admission(limits);
  let target: ProxyTarget | null = null;
  const server = createServer(async (incoming, outgoing) => {
    if (target === null) return refuse(outgoing, unavailable(503, "The stack is being deployed."));
    const { admitted, leave } = admission.enter();
    outgoing.once("close", leave);
    const isAdmitted = await admitted;
    if (outgoing.destroyed) return;
    if (!isAdmitted) return refuse(outgoing, tooMany);
    // What the API was given whole, it works on although nobody waits any more: the place is free when the API is done.
    outgoing.off("close", leave);
    forward(target, incoming, outgoing).then(leave);
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

/** Resolves when the API is done with the request. */
const forward = (target: ProxyTarget, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    let passed: ClientRequest;
    try {
      passed = requestOf(target, incoming);
    } catch {
      // The path has characters that a request must not have.
      refuse(outgoing, {
        type: "not-found",
        title: "Not found",
        status: 404,
        detail: "There is no such path.",
        retry: false,
      });
      return resolve();
    }
    passed.on("response", (answer) => passBack(answer, outgoing));
    passed.on("error", (error) =>
      refuse(outgoing, unavailable(502, `The emulator does not answer: ${error.message}`)),
    );
    passed.once("close", resolve);
    outgoing.once("close", () => {
      if (!passed.writableEnded) passed.destroy();
    });
    incoming.pipe(passed);
  });

const requestOf = ({ url, certificate }: ProxyTarget, incoming: IncomingMessage): ClientRequest => {
  const { protocol, hostname, port, host, pathname } = new URL(url);
  const send = protocol === "https:" ? httpsRequest : httpRequest;
  return send({
    hostname,
    port,
    method: incoming.method,
    path: pathname + incoming.url,
    headers: { ...endToEnd(incoming), host },
    ...(certificate ? { ca: certificate } : {}),
  });
};

const passBack = (answer: IncomingMessage, outgoing: ServerResponse): void => {
  const status = answer.statusCode ?? 502;
  if (outgoing.destroyed) answer.resume();
  else if (TRANSIENT.has(status) && !isProblem(answer)) {
    text(answer).then(
      (said) =>
        refuse(
          outgoing,
          status === 429 ? tooMany : unavailable(status, `The emulator answered: ${said.slice(0, MOST)}`),
        ),
      () => outgoing.destroy(),
    );
  } else {
    outgoing.writeHead(status, endToEnd(answer));
    answer.pipe(outgoing);
    outgoing.once("close", () => answer.resume());
    answer.once("close", () => {
      if (!answer.complete) outgoing.destroy();
    });
  }
};

const isProblem = ({ headers }: IncomingMessage): boolean =>
  headers["content-type"] === "application/problem+json";

type Refusal = Omit<Problem, "requestId" | "retryAfter">;

const tooMany: Refusal = {
  type: "rate-limited",
  title: "Too many requests",
  status: 429,
  detail: "There are more requests at once than this machine can handle. Nothing was changed.",
  retry: true,
};

const unavailable = (status: number, detail: string): Refusal => ({
  ...(status === 500
    ? { type: "internal", title: "Internal error" }
    : { type: "unavailable", title: "Unavailable" }),
  status,
  detail,
  retry: true,
});

const refuse = (outgoing: ServerResponse, refusal: Refusal): void => {
  if (outgoing.headersSent) return void outgoing.destroy();
  const after = refusal.retry ? { retryAfter: RETRY_SECONDS } : {};
  const problem: Problem = { ...refusal, ...after, requestId: randomUUID() };
  outgoing
    .writeHead(refusal.status, {
      "content-type": "application/problem+json",
      ...(refusal.retry && { "retry-after": String(RETRY_SECONDS) }),
    })
    .end(JSON.stringify(problem));
};

const endToEnd = ({ headers }: IncomingMessage): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
