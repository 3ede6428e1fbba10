import { expect, test } from "vitest";
import { caller } from "../../../functions/middleware/caller.ts";
import type { ApiEvent } from "../../../functions/middleware/event.ts";
import { Unauthenticated } from "../../../shared/errors.ts";

/** What the middleware makes of the authorizer's context. */
const read = (handed: unknown): ApiEvent["caller"] => {
  const event = {
    match: { route: "listStudies", path: { team: "acme", study: "", number: "", token: "" } },
    requestContext: { authorizer: { lambda: { caller: JSON.stringify(handed) } } },
  } as unknown as ApiEvent;
  caller().before?.({ event } as Parameters<NonNullable<ReturnType<typeof caller>["before"]>>[0]);
  return event.caller;
};

test("a refused caller is told why", () => {
  const why = { kind: "credential-expired", expired: "2026-11-23T12:00:00.000Z" } as const;
  expect(() => read({ kind: "refused", why })).toThrow(new Unauthenticated(why));
});

test("a caller whom an authorizer of another version refused is told 401, not 500", () => {
  for (const handed of [
    { kind: "refused", reason: "The token is unknown." },
    { kind: "refused", why: { kind: "of-another-version" } },
  ]) {
    expect(() => read(handed)).toThrow(Unauthenticated);
  }
});
