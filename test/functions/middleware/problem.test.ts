import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { expect, test, vi } from "vitest";
import type { ApiEvent, ApiReply } from "../../../functions/middleware/event.ts";
import { problem, toProblem } from "../../../functions/middleware/problem.ts";
import { problems } from "../../../shared/api/problems.ts";
import {
  DomainError,
  InvalidInput,
  problemTypes,
  RateLimited,
  StaleAttempt,
  Unauthenticated,
} from "../../../shared/errors.ts";
import { Problem } from "../../../shared/schemas/problem.ts";

const told = (error: unknown) => {
  const { statusCode, headers, body } = toProblem(error, "request-1");
  return { statusCode, headers, body: Problem.parse(JSON.parse(body ?? "")) };
};

test("the reply to a domain error has its type, status, title and message", () => {
  const { statusCode, headers, body } = told(new StaleAttempt(3, 1, 2));
  expect(statusCode).toBe(409);
  expect(headers).toEqual({ "content-type": "application/problem+json" });
  expect(body).toEqual({
    type: "stale-attempt",
    title: problems["stale-attempt"].title,
    status: 409,
    detail: "Attempt 1 of trial 3 no longer owns it (the trial is on attempt 2). Stop this run.",
    retry: false,
    requestId: "request-1",
  });
});

test("all errors of an input are listed, and the first one is also the detail", () => {
  const errors = [
    { pointer: "/a", detail: "one" },
    { pointer: "/b", detail: "two" },
  ];
  const faults = errors.map(({ pointer, detail }) => ({
    pointer,
    fault: { kind: "text", text: detail } as const,
  }));
  expect(told(new InvalidInput(faults)).body).toMatchObject({ pointer: "/a", detail: "one", errors });
});

test("the time to retry is in the header and in the body", () => {
  const { headers, body } = told(new RateLimited({ kind: "too-many-studies", most: 10 }, 17));
  expect(headers).toMatchObject({ "retry-after": "17" });
  expect(body).toMatchObject({ status: 429, retry: true, retryAfter: 17 });
});

test.each(problemTypes)("%s says when to try again if a retry may help, and otherwise does not", (type) => {
  class Any extends DomainError {
    readonly type = type;
  }
  const { retry, status } = problems[type];
  for (const error of type === "internal" ? [new Error("boom"), new Any()] : [new Any()]) {
    const { headers, body } = told(error);
    expect(body).toMatchObject({ status, retry });
    expect(body.retryAfter === undefined).toBe(!retry);
    expect(headers?.["retry-after"]).toBe(retry ? String(body.retryAfter) : undefined);
  }
  if ([429, 500, 502, 503, 504].includes(status)) expect(retry).toBe(true);
});

test("the reply to a refused credential has WWW-Authenticate", () => {
  expect(told(new Unauthenticated({ kind: "credential-unknown" })).headers).toMatchObject({
    "www-authenticate": "Bearer",
  });
});

test.each([
  new Error("secret-canary in a message"),
  Object.assign(new TypeError("boom"), { stack: "secret-canary at secret.ts:1" }),
  "secret-canary",
  { secret: "secret-canary" },
  null,
  undefined,
])("what is unknown is told as nothing", (error) => {
  const { statusCode, body } = told(error);
  expect(statusCode).toBe(500);
  expect(body).toMatchObject({ type: "internal", retry: true, requestId: "request-1" });
  expect(JSON.stringify(body)).not.toContain("canary");
});

test.each([
  Object.assign(new Error("aws-canary"), { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } }),
  Object.assign(new Error("aws-canary"), {
    name: "InternalServiceError",
    $metadata: { httpStatusCode: 500 },
  }),
  Object.assign(new Error("aws-canary"), { name: "TimeoutError" }),
  Object.assign(new Error("aws-canary"), { code: "ECONNREFUSED" }),
])("an AWS service that is throttled or away is told as busy, without its words", async (fault) => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  const handler = middy<ApiEvent, ApiReply, Error, Context>()
    .use(problem())
    .handler(() => Promise.reject(fault));
  const event = { requestContext: { requestId: "request-1" } } as ApiEvent;
  const reply = await handler(event, {} as Context);
  expect(reply.statusCode).toBe(503);
  expect(reply.headers).toMatchObject({ "retry-after": "2" });
  expect(Problem.parse(JSON.parse(reply.body ?? ""))).toMatchObject({ type: "unavailable", retry: true });
  expect(reply.body).not.toContain("canary");
});
