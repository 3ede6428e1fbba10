import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { problems } from "../../shared/api/problems.ts";
import { pathParameters, type RouteName, routes } from "../../shared/api/routes.ts";
import type { ProblemType } from "../../shared/errors.ts";
import type { Params } from "../../shared/values.ts";

/** The fields of all bodies that the runner sends; a body has those of its route. */
export interface SentBody {
  readonly attempt: number;
  readonly step: number;
  readonly values: Readonly<Record<string, number | string>>;
  readonly failed: { readonly reason: string };
  readonly pruned: { readonly reason: string };
  readonly released: { readonly reason: string };
  readonly checkpoint: string;
  readonly jobId: string;
  readonly claimant: string;
  readonly worker: string;
  readonly count: number;
}

/** One request of the runner. */
export interface Call {
  readonly route: RouteName;
  readonly number: number;
  readonly body: SentBody;
  readonly token: string;
  readonly key: string | undefined;
}

/** The reply of a route: a body, a problem, or a connection that breaks after the request took effect (`lost`). */
export type Answer =
  | { readonly body: unknown; readonly lost?: true }
  | { readonly problem: ProblemType; readonly detail?: string; readonly retryAfter?: number }
  | { readonly raw: (response: ServerResponse) => void };

export type Script = Partial<Record<RouteName, (call: Call, count: number) => Answer | Promise<Answer>>>;

export const BOOTSTRAP = "hone_bootstrap_0123456789";
export const TRIAL_TOKEN = "hone_trialtoken_0123456789";

const expires = "2026-11-23T12:00:00Z";

/** Where the reply of a claim, or of the route for checkpoints, sends an upload. */
export const uploadTo = (
  url: string,
  checkpoint = "hone:2-1-0123456789abcdef",
  maxBytes = 5 * 1024 ** 3,
) => ({
  checkpoint,
  method: "PUT",
  url,
  maxBytes,
  expires,
});

/** The reply to a claim of trial 7. */
export const claimed = (change: object = {}) => ({
  token: TRIAL_TOKEN,
  number: 7,
  attempt: 2,
  params: {},
  resource: null,
  reportAt: null,
  checkpoint: null,
  leaseExpires: expires,
  heartbeatSeconds: 60,
  upload: uploadTo("http://127.0.0.1:9/claim"),
  download: null,
  ...change,
});

const endOf = ({ failed, pruned, released }: SentBody) => {
  if (released !== undefined) return "queued";
  if (failed !== undefined) return "failed";
  return pruned === undefined ? "completed" : "pruned";
};

/** The replies of a healthy service; a test can override them. */
const healthy = (params: Params, heartbeatSeconds: number): Script => ({
  claim: (call) => ({
    body: claimed({ number: call.number, attempt: call.body.attempt, params, heartbeatSeconds }),
  }),
  report: () => ({ body: { decision: "continue", reason: "", leaseExpires: expires, reportAt: null } }),
  heartbeat: () => ({ body: { decision: "continue", reason: "", leaseExpires: expires, reportAt: null } }),
  tell: (call) => ({
    body: { number: call.number, state: endOf(call.body) },
  }),
});

/**
 * A small HTTP server that keeps to the contract: every request is read with the schema of its route, and so is every
 * answer of its own. Requests that break the contract are kept in `violations`, which a test expects to stay empty.
 */
export class ContractService {
  readonly calls: Call[] = [];
  readonly violations: string[] = [];
  readonly #script: Script;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #waiting: (() => void)[] = [];

  constructor(script: Script = {}, params: Params = {}, heartbeatSeconds = 60) {
    this.#script = { ...healthy(params, heartbeatSeconds), ...script };
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get api(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  of(route: RouteName): Call[] {
    return this.calls.filter((call) => call.route === route);
  }

  /** Resolves when the `count`-th request of a route has arrived. */
  async received(route: RouteName, count = 1): Promise<void> {
    while (this.of(route).length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request).catch(() => null);
    // A client that was killed while it sent.
    if (body === null) return;
    const call = this.#read(request, body);
    if (call === null) {
      response.writeHead(404).end();
      return;
    }
    this.calls.push(call);
    for (const wake of this.#waiting.splice(0)) wake();
    const script = this.#script[call.route];
    if (script === undefined) throw new Error(`no answer is scripted for ${call.route}`);
    this.#answer(response, call.route, await script(call, this.of(call.route).length));
  }

  /** Finds the route and parses the body as the API does; records violations of the schemas. */
  #read(request: IncomingMessage, text: string): Call | null {
    for (const [name, route] of Object.entries(routes)) {
      const pattern = `^/v1/teams/acme${route.path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`;
      const match = new RegExp(pattern).exec(request.url ?? "");
      if (match === null || route.method !== request.method) continue;
      const study = match.groups?.study;
      if (study !== undefined && !pathParameters.study.safeParse(study).success)
        this.violations.push(`study ${study}`);
      const body = "body" in route ? route.body.safeParse(JSON.parse(text)) : undefined;
      if (body?.success === false) this.violations.push(`${name} ${text}: ${body.error.message}`);
      if (body !== undefined && request.headers["content-type"] !== "application/json") {
        this.violations.push(`${name}: ${request.headers["content-type"]}`);
      }
      const key = request.headers["idempotency-key"];
      return {
        route: name as RouteName,
        number: Number(match.groups?.number ?? -1),
        body: (body?.data ?? {}) as SentBody,
        token: (request.headers.authorization ?? "").replace(/^Bearer /, ""),
        key: Array.isArray(key) ? key.join() : key,
      };
    }
    this.violations.push(`no such route: ${request.method} ${request.url}`);
    return null;
  }

  #answer(response: ServerResponse, name: RouteName, answer: Answer): void {
    if ("raw" in answer) {
      answer.raw(response);
    } else if ("problem" in answer) {
      const kind = problems[answer.problem];
      if (answer.retryAfter !== undefined) response.setHeader("Retry-After", answer.retryAfter);
      response.writeHead(kind.status, { "Content-Type": "application/problem+json" });
      const detail = answer.detail ?? kind.title;
      response.end(JSON.stringify({ type: answer.problem, ...kind, detail, requestId: "r" }));
    } else {
      const reply = JSON.stringify(routes[name].reply?.parse(answer.body));
      if (answer.lost) response.destroy();
      else response.writeHead(200, { "Content-Type": "application/json" }).end(reply);
    }
  }
}
