import { beforeAll, expect, test } from "vitest";
import { createAuthorizer } from "../../../functions/authorizer/index.ts";
import type { LookupDeps } from "../../../shared/service/access/authenticate.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../shared/service/access/tokens.ts";
import type { ApiDeps } from "../../../shared/service/core/deps.ts";
import { batchWorld } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { createTestTable } from "../../support/emulator.ts";
import { authorizerEvent, gateway } from "../../support/gateway.ts";
import { noReceipt, type TestClock, testDeps } from "../../support/service.ts";

const STAGE = "arn:aws:execute-api:us-east-1:000000000000:api1/$default";

let deps: ApiDeps;
const clock: TestClock = { now: Date.UTC(2026, 10, 23) };

beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  deps = testDeps(client, tableName, clock);
  await createTeam(deps, "acme");
  await createTeam(deps, "other");
  gateway(deps); // so that log lines are not printed
});

const newToken = (team = "acme", days = 1) =>
  createToken(deps, team, { name: "test", role: "editor", days }, "admin", noReceipt);

const ask = async (
  token: string | undefined,
  path = "/v1/teams/acme/studies",
  method = "GET",
  from = deps,
) => {
  const answer = await createAuthorizer((): LookupDeps => from)(authorizerEvent(method, path, token));
  const [statement] = answer.policyDocument.Statement;
  const caller = (answer.context as { caller?: string }).caller;
  return {
    effect: statement?.Effect,
    resources: statement !== undefined && "Resource" in statement ? statement.Resource : [],
    caller: caller === undefined ? undefined : JSON.parse(caller),
  };
};

test("a token is allowed all paths of its team, and the context identifies it", async () => {
  const { id, token } = await newToken();
  expect(await ask(token)).toEqual({
    effect: "Allow",
    resources: [`${STAGE}/*/v1/teams/acme/*`],
    caller: callerAs("editor", { id, isUseDue: true }),
  });
});

test("on another team's path the token keeps its identity and is passed on, so that the handler can answer 404", async () => {
  const { id, token } = await newToken();
  const { effect, resources, caller } = await ask(token, "/v1/teams/other/studies/svm-1");
  expect(effect).toBe("Allow");
  expect(resources).toEqual([`${STAGE}/*/v1/teams/acme/*`, `${STAGE}/GET/v1/teams/other/studies/svm-1`]);
  expect(caller).toMatchObject({ kind: "token", team: "acme", id });
});

test("a path cannot bring a wildcard into the policy", async () => {
  const { token } = await newToken();
  for (const path of ["/v1/teams/*/studies", "/v1/teams/othe?/studies", "/v1/teams/*"]) {
    const { resources } = await ask(token, path);
    const [own, ...rest] = resources as string[];
    expect(own).toBe(`${STAGE}/*/v1/teams/acme/*`);
    expect(rest.join()).not.toMatch(/[*?]/);
  }
});

test.each([
  ["no header", async () => undefined],
  ["an unknown token", async () => `hone_aaaaaaaaaaaa_${"a".repeat(43)}`],
  ["a known id with another secret", async () => (await newToken()).token.replace(/.{43}$/, "a".repeat(43))],
  ["something else", async () => "eyJhbGciOiJub25lIn0.e30."],
  ["a header of 9 KB", async () => "a".repeat(9000)],
  ["a job's token where there is no trial", async () => `hone_t1_${"a".repeat(43)}`],
  [
    "a revoked token",
    async () => {
      const { id, token } = await newToken();
      await deleteToken(deps, "acme", id, noReceipt);
      return token;
    },
  ],
])("%s is let through without rights, to be told 401", async (_, make) => {
  const { effect, resources, caller } = await ask(await make());
  expect([effect, resources]).toEqual(["Allow", [`${STAGE}/*/v1/teams/*`]]);
  expect(caller).toMatchObject({ kind: "refused", why: { kind: expect.any(String) } });
});

test("a token is valid until its last millisecond, even if DynamoDB has not deleted it yet", async () => {
  const { token, expires } = await newToken("acme", 1);
  const before = clock.now;
  clock.now = Date.parse(expires) - 1;
  expect((await ask(token)).caller.kind).toBe("token");
  clock.now = Date.parse(expires);
  expect((await ask(token)).caller).toMatchObject({
    kind: "refused",
    why: { kind: "credential-expired", expired: expires },
  });
  clock.now = before;
});

test("a missing header is told from a wrong one", async () => {
  expect((await ask(undefined)).caller.why).toEqual({ kind: "credential-missing" });
  expect((await ask("nonsense")).caller.why).toEqual({ kind: "credential-malformed" });
});

test("a job's token is passed on for its own trial, until it expires", async () => {
  const world = await batchWorld({ budget: { trials: 2, parallel: 2 } });
  await world.start();
  await world.deliver();
  const from = world.deps;
  const trial = (n: number) => `/v1/teams/acme/studies/${world.study.id}/trials/${n}`;
  const bootstrap = world.batch.of(0).environment.HONE_TOKEN;
  expect(await ask(bootstrap, `${trial(0)}/claim`, "POST", from)).toEqual({
    effect: "Allow",
    resources: [`${STAGE}/*${trial(0)}`, `${STAGE}/*${trial(0)}/*`],
    caller: { kind: "bootstrap", team: "acme", study: world.study.id, trial: 0, attempt: 1 },
  });
  expect((await ask(bootstrap, `${trial(1)}/claim`, "POST", from)).caller.kind).toBe("refused");
  expect((await ask(bootstrap, `${trial(7)}/claim`, "POST", from)).caller.kind).toBe("refused");

  const { token } = await world.claim(0);
  expect((await ask(token, `${trial(0)}/tell`, "POST", from)).caller).toMatchObject({
    kind: "trial",
    attempt: 1,
  });
  expect((await ask(token, `${trial(1)}/tell`, "POST", from)).caller.kind).toBe("refused");
  // A trial token with the prefix of a bootstrap token is not valid.
  expect((await ask(token.replace("_t1_", "_b1_"), `${trial(0)}/claim`, "POST", from)).caller.kind).toBe(
    "refused",
  );
});

/** A table that fails in a given way. */
const broken = (error: Error): ApiDeps => {
  const client = { send: () => Promise.reject(error) };
  return testDeps(client as never, "table", clock);
};

test("while the table does not answer, the caller is told to retry, not that its token is invalid", async () => {
  const { token } = await newToken();
  const away = broken(Object.assign(new Error("slow down"), { name: "ThrottlingException" }));
  expect(await ask(token, undefined, undefined, away)).toMatchObject({
    effect: "Allow",
    caller: { kind: "unavailable" },
  });
  const { status, body, headers } = await gateway(away)("GET", "/v1/teams/acme/studies", { token });
  expect([status, body.type, headers["retry-after"]]).toEqual([503, "unavailable", "2"]);
});

test("an internal error is a Deny and never an exception", async () => {
  const { token } = await newToken();
  const faulty = broken(new TypeError("a bug"));
  expect(await ask(token, undefined, undefined, faulty)).toMatchObject({ effect: "Deny", caller: undefined });
  expect(await createAuthorizer(() => deps)({} as never)).toMatchObject({
    policyDocument: { Statement: [{ Effect: "Deny" }] },
  });
});
