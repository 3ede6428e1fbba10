import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { APIGatewayRequestAuthorizerEvent, Context as LambdaContext } from "aws-lambda";
import { expect, vi } from "vitest";
import { createApi } from "../../functions/api/index.ts";
import { matchRoute } from "../../functions/api/router.ts";
import { createAuthorizer } from "../../functions/authorizer/index.ts";
import type { ApiEvent, ApiReply } from "../../functions/middleware/event.ts";
import { type Gate, gates, problemsOf, type Route, type RouteName, routes } from "../../shared/api/routes.ts";
import type { Caller } from "../../shared/auth/authorize.ts";
import { Problem } from "../../shared/schemas/problem.ts";
import type { Signer } from "../../shared/service/access/authenticate-iam.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";

/**
 * API Gateway as far as the two Lambdas see it: it turns a request into the authorizer's event and the handler's, holds
 * the policy against the request, and nothing more. Every reply is checked against the route's schema.
 */
export interface Request {
  readonly token?: string;
  /** Goes round the authorizer. */
  readonly caller?: Caller | null;
  /** Who signed it with AWS credentials, where no token is asked for. */
  readonly signer?: Signer;
  /** Sent as JSON; a text is sent as it is. */
  readonly body?: unknown;
  /** Sent as API Gateway hands on what is not text. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly remainingMs?: number;
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: T;
}

const STAGE = "arn:aws:execute-api:us-east-1:000000000000:api1/$default";

export type Gateway = <T = Problem>(method: string, path: string, request?: Request) => Promise<Answer<T>>;

/** What the Lambdas wrote to their log, instead of to the terminal. */
export const logLines: string[] = [];

export const gateway = (deps: ApiDeps): Gateway => {
  vi.spyOn(console, "log").mockImplementation((line: unknown) => {
    logLines.push(String(line));
  });
  const api = createApi(() => deps);
  const authorizer = createAuthorizer(() => deps);
  return async <T>(method: string, sent: string, request: Request = {}): Promise<Answer<T>> => {
    const path = decoded(sent);
    const context = await passGate(authorizer, method, path, request);
    if (context === "denied") return { status: 403, headers: {}, body: { message: "Forbidden" } as T };
    const reply = await api(eventOf(method, path, request, context), lambdaContext(request));
    checkReply(method, path, reply);
    return { status: reply.statusCode ?? 0, headers: textHeaders(reply), body: parsed(reply) as T };
  };
};

type Authorizer = ReturnType<typeof createAuthorizer>;

/** What API Gateway hands on of whoever passed. */
type Context = { readonly caller: string } | { readonly iam: { accountId: string; userArn: string } };

const passGate = async (
  authorizer: Authorizer,
  method: string,
  path: string,
  request: Request,
): Promise<Context | "denied" | null> => {
  const gate = gateOf(method, path);
  if (request.caller === null || gate === null) return null;
  if (gate === "iam") {
    if (request.signer === undefined) return "denied";
    const { account, arn } = request.signer;
    return { iam: { accountId: account, userArn: arn } };
  }
  if (request.caller !== undefined) return { caller: JSON.stringify(request.caller) };
  const { context, policyDocument } = await authorizer(authorizerEvent(method, path, request.token));
  const arn = authorizerEvent(method, path).methodArn;
  const [statement] = policyDocument.Statement;
  if (statement?.Effect !== "Allow" || !("Resource" in statement)) return "denied";
  const allows = [statement.Resource].flat().some((pattern) => globs(String(pattern), arn));
  return allows ? (context as { caller: string }) : "denied";
};

/** As an HTTP API decodes a path before it looks at it: all but `%25`. */
const decoded = (sent: string): string => {
  const [path = "", ...query] = sent.split("?");
  const text = path.replace(/(?:%[0-9A-F]{2})+/gi, (run) =>
    decodeURIComponent(run.replaceAll("%25", "%2525")),
  );
  return [text, ...query].join("?");
};

/** The gate of the route that takes the request; null: it goes to the handler as it is. */
const gateOf = (method: string, path: string): Gate | null => {
  const [clean = ""] = path.split("?");
  const has = (base: string) =>
    Object.values(routes).some(
      (route) =>
        route.method === method &&
        new RegExp(`^${`${base}${route.path}`.replace(/\{\w+\}/g, "[^/]+")}$`).test(clean),
    );
  return (Object.entries(gates) as [Gate, string][]).find(([, base]) => has(base))?.[0] ?? null;
};

/** As IAM reads a resource: `*` is anything, slashes included. */
const globs = (pattern: string, text: string): boolean => {
  const escaped = pattern.replace(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`).test(text);
};

export const authorizerEvent = (method: string, path: string, token?: string) => {
  const [clean = ""] = path.split("?");
  return {
    type: "REQUEST",
    methodArn: `${STAGE}/${method}${clean}`,
    path: clean,
    httpMethod: method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  } as unknown as APIGatewayRequestAuthorizerEvent;
};

export const eventOf = (
  method: string,
  path: string,
  { body, bytes, headers }: Request,
  context: Context | null,
): ApiEvent => {
  const [rawPath = "", rawQueryString = ""] = path.split("?");
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return {
    version: "2.0",
    routeKey: "",
    rawPath,
    rawQueryString,
    headers: { ...(text !== undefined && { "content-type": "application/json" }), ...headers },
    requestContext: {
      requestId: randomUUID(),
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
      authorizer: context !== null && "iam" in context ? context : { lambda: context },
    },
    ...(text !== undefined && { body: text }),
    ...(bytes !== undefined && { body: Buffer.from(bytes).toString("base64") }),
    isBase64Encoded: bytes !== undefined,
  } as unknown as ApiEvent;
};

const lambdaContext = ({ remainingMs = 25_000 }: Request) =>
  ({ getRemainingTimeInMillis: () => remainingMs, awsRequestId: randomUUID() }) as LambdaContext;

const textHeaders = ({ headers = {} }: ApiReply): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));

const parsed = ({ body, headers }: ApiReply): unknown => {
  if (body === undefined) return null;
  return String(headers?.["content-type"]).includes("json") ? JSON.parse(body) : body;
};

const checkReply = (method: string, path: string, reply: ApiReply): void => {
  expect(reply.headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
  const body = parsed(reply);
  if ((reply.statusCode ?? 0) >= 400) {
    expect(reply.headers?.["content-type"]).toBe("application/problem+json");
    const { status, type } = Problem.parse(body);
    expect(status).toBe(reply.statusCode);
    expectListed(method, path, type);
    return;
  }
  const { route: name } = matchRoute(method, path.split("?")[0] ?? "");
  if (name === "health") return;
  const route: Route = routes[name];
  expect(reply.statusCode).toBe(route.status);
  if (typeof body === "string") return;
  const read = (route.reply ?? NONE).parse(body);
  // Much faster than `toEqual` for an answer of megabytes.
  if (!isDeepStrictEqual(read, body)) expect(read).toEqual(body);
};

/** A route answers no problem that its entry in the table does not list. */
const expectListed = (method: string, path: string, type: string): void => {
  const match = findRoute(method, path);
  const listed: ReadonlySet<string> =
    match === null ? new Set(["not-found"]) : match === "health" ? new Set() : problemsOf(routes[match]);
  expect([...listed], `${method} ${path}`).toContain(type);
};

const findRoute = (method: string, path: string): RouteName | "health" | null => {
  try {
    return matchRoute(method, path.split("?")[0] ?? "").route;
  } catch {
    return null;
  }
};

const NONE = { parse: (body: unknown) => body };
