import { expect, test } from "vitest";
import { caller } from "../../../functions/middleware/caller.ts";
import type { ApiEvent } from "../../../functions/middleware/event.ts";
import { Unauthenticated } from "../../../shared/errors.ts";
import type { ApiDeps } from "../../../shared/service/core/deps.ts";
import { callerAs } from "../../support/callers.ts";
import { memberOf } from "../../support/identities.ts";

/** Stands for the dependencies: nothing that is refused by its context alone needs any. */
const untouched = (): ApiDeps => {
  throw new Error("The store was asked.");
};

/** What the middleware makes of the context that API Gateway hands on. */
const read = async (authorizer: unknown, gate: ApiEvent["match"]["gate"] = "bearer") => {
  const event = {
    match: { route: "listStudies", gate, path: { team: "acme", study: "", number: "", token: "" } },
    requestContext: { authorizer },
  } as unknown as ApiEvent;
  const { before } = caller(untouched);
  await before?.({ event } as Parameters<NonNullable<typeof before>>[0]);
  return event.caller;
};
const handed = (value: unknown) => ({ lambda: { caller: JSON.stringify(value) } });
const signed = ({ account, arn } = memberOf("acme")) => ({ iam: { accountId: account, userArn: arn } });

test("a refused caller is told why", async () => {
  const why = { kind: "credential-expired", expired: "2026-11-23T12:00:00.000Z" } as const;
  await expect(read(handed({ kind: "refused", why }))).rejects.toThrow(new Unauthenticated(why));
});

test("a caller whom an authorizer of another version refused is told 401, not 500", async () => {
  for (const refusal of [
    { kind: "refused", reason: "The token is unknown." },
    { kind: "refused", why: { kind: "of-another-version" } },
  ]) {
    await expect(read(handed(refusal))).rejects.toThrow(Unauthenticated);
  }
});

test("the authorizer's context opens its own tree, and no other", async () => {
  const owner = callerAs("owner");
  expect(await read(handed(owner))).toEqual(owner);
  await expect(read(handed(owner), "iam")).rejects.toThrow(new Unauthenticated({ kind: "not-signed" }));
});

test.each<[string, unknown, ApiEvent["match"]["gate"]]>([
  ["a signature, below /v1", signed(), "bearer"],
  ["both, below /v1", { ...handed(callerAs("owner")), ...signed() }, "bearer"],
  ["both, below /iam/v1", { ...handed(callerAs("owner")), ...signed() }, "iam"],
  ["an empty one of the authorizer beside a signature", { lambda: {}, ...signed() }, "iam"],
  ["a signature without an ARN", { iam: { accountId: "000000000000" } }, "iam"],
  ["an ARN without an account", { iam: { userArn: memberOf("acme").arn } }, "iam"],
  ["an ARN that is no text", { iam: { accountId: "000000000000", userArn: [memberOf("acme").arn] } }, "iam"],
  ["the caller in the place of the signature", { iam: callerAs("owner") }, "iam"],
  ["nothing, below /v1", null, "bearer"],
  ["nothing, below /iam/v1", undefined, "iam"],
])("a request with a forged context has no rights: %s", async (_, authorizer, gate) => {
  await expect(read(authorizer, gate)).rejects.toThrow(Unauthenticated);
});
