import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { type Exchange, noteCall, signatureOf } from "./call.ts";
import type { Note } from "./note.ts";
import { noteRequest } from "./request.ts";

/** Where requests belong. */
export interface Targets {
  readonly aws: string;
  /** PEM file of the certificate that the emulator made for itself, if it speaks https. */
  readonly certificate: string | null;
  readonly batch: string;
}

export interface Recorder {
  /** Stands for the endpoint of all of AWS. */
  readonly url: string;
  /** Until it is told, requests are answered 503. */
  passTo(targets: Targets): void;
  stop(): Promise<void>;
}

/** Idle connections are given up before the emulator does, which would otherwise look like a lost answer. */
const IDLE_MS = 30_000;

/**
 * A loopback server between Lambdas and AWS's API, and between clients and the deployed HTTP API: it passes everything on
 * as it came, signatures and all, and writes down who did what to which resource with how large a payload.
 * @param file that notes are written to, a line of JSON each; begun anew.
 */
export const startRecorder = async (file: string): Promise<Recorder> => {
  writeFileSync(file, "", { mode: 0o600 });
  let targets: Targets | null = null;
  let agent: HttpsAgent | undefined;
  const server = createServer((incoming, outgoing) => {
    if (targets === null) return void outgoing.writeHead(503).end();
    pass(incoming, outgoing, targets, agent).then(
      (exchange) => {
        const note = noteRequest(exchange) ?? noteCall(exchange);
        if (note !== null) appendFileSync(file, `${JSON.stringify(note)}\n`);
      },
      (error) => console.error("recorder:", error),
    );
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The recorder has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    passTo: (to) => {
      targets = to;
      if (to.certificate !== null) {
        agent = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS, ca: readFileSync(to.certificate) });
      }
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          agent?.destroy();
          resolve();
        });
        server.closeAllConnections();
      }),
  };
};

/** All notes of a file that a recorder wrote. */
export const readNotes = (file: string): Note[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Note => JSON.parse(line));

const pass = async (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  targets: Targets,
  agent: HttpsAgent | undefined,
): Promise<Exchange> => {
  const began = performance.now();
  const body = await bytes(incoming);
  const { method = "GET", url: path = "/", headers } = incoming;
  const exchange = (status: number, answer: Buffer, answerHeaders: Exchange["headers"]): Exchange => ({
    method,
    path,
    headers,
    body: body.toString("utf8"),
    status,
    answer: answer.toString("utf8"),
    answerHeaders,
    ms: performance.now() - began,
  });
  const target = new URL(signatureOf({ headers, path })?.service === "batch" ? targets.batch : targets.aws);
  const send = target.protocol === "https:" ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    // Who is not answered shall not be answered by us either.
    const lose = (): void => {
      outgoing.destroy();
      resolve(exchange(0, Buffer.alloc(0), {}));
    };
    const passed = send(
      {
        hostname: target.hostname,
        port: target.port,
        method,
        path,
        // The Host header, too: it is signed.
        headers: { ...headers, connection: "keep-alive" },
        // Otherwise the certificate would have to be for that host.
        servername: "",
        ...(target.protocol === "https:" && agent ? { agent } : { agent: false }),
      },
      async (answer) => {
        try {
          const content = await bytes(answer);
          const { connection: _, "transfer-encoding": __, ...answerHeaders } = answer.headers;
          outgoing.writeHead(answer.statusCode ?? 502, answerHeaders).end(content);
          resolve(exchange(answer.statusCode ?? 502, content, answerHeaders));
        } catch {
          lose();
        }
      },
    );
    passed.on("error", lose).end(body);
  });
};

const bytes = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};
