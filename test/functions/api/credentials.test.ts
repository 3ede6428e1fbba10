import { describe, expect, test } from "vitest";
import { examples } from "../../../shared/api/examples.ts";
import { IAM_BASE_PATH, type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import { type Action, roleActions } from "../../../shared/auth/authorize.ts";
import { Unavailable } from "../../../shared/errors.ts";
import type { Credentials } from "../../../shared/schemas/credentials.ts";
import type { CreatedToken, Role } from "../../../shared/schemas/token.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../shared/service/access/tokens.ts";
import { putGrant } from "../../../shared/store/grant.ts";
import { removeSession } from "../../../shared/store/session.ts";
import { worldOn } from "../../support/batch.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway, type Request } from "../../support/gateway.ts";
import { holderOf, memberOf } from "../../support/identities.ts";
import { noReceipt, studyBody, TEAM } from "../../support/service.ts";

/** Signed requests, as far as Hone decides about them: AWS's part is in test/permissions. */

const { client, tableName } = await createTestTable();
const world = await worldOn(client, tableName);
const { deps, identities } = world;
const call: Gateway = gateway(deps);

await createTeam(deps, TEAM);
await createTeam(deps, "other");

const newToken = (role: Role, change: { team?: string; study?: string } = {}): Promise<CreatedToken> => {
  const { team = TEAM, study } = change;
  return createToken(deps, team, { name: "test", role, ...(study && { study }) }, "admin", noReceipt);
};
const newStudy = async (team = TEAM): Promise<string> => {
  const { token } = await newToken("owner", { team });
  const { body } = await call<{ study: string }>("POST", `/v1/teams/${team}/studies`, {
    token,
    body: studyBody(),
  });
  return body.study;
};
const grant = (arn: string, role: Role, study: string | null, team = TEAM) =>
  deps.store.transact([
    putGrant(
      { team, principal: { kind: "iam", id: arn }, study, role, created: deps.clock(), createdBy: "admin" },
      true,
    ),
  ]);

const credentialsOf = (study: string, request: Request, tree = "/v1", team = TEAM) =>
  call<Credentials & { detail: string; type: string }>(
    "POST",
    `${tree}/teams/${team}/studies/${study}/credentials`,
    request,
  );
const getStudy = (study: string, request: Request, team = TEAM) =>
  call("GET", `/iam/v1/teams/${team}/studies/${study}`, request);
/** Who holds the session that a token has just made. */
const sessionOf = async (study: string, token: string, body: object = {}) =>
  holderOf((await credentialsOf(study, { token, body })).body.id);

describe("credentials", () => {
  test("are for this study alone, for an hour, and say where they are used", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const { status, body } = await credentialsOf(study, { token });
    const prefix = `checkpoints/${TEAM}/${study}/`;
    const seconds = 3600;
    expect(status).toBe(201);
    expect(identities.made.at(-1)).toEqual({ id: body.id, team: TEAM, study, prefix, seconds });
    expect(body).toMatchObject({
      expires: new Date(deps.clock() + seconds * 1000).toISOString(),
      role: "editor",
      region: "us-east-1",
      api: "https://api.test/iam/v1",
      bucket: "hone-bucket",
      prefix,
    });
    expect((await getStudy(study, { signer: holderOf(body.id) })).body).toMatchObject({ study });
  });

  test.each([899, 3601, 0, 43_200])(
    "of %i seconds there are none, and the answer says why",
    async (seconds) => {
      const study = await newStudy();
      const { token } = await newToken("editor");
      const { status, body } = await credentialsOf(study, { token, body: { seconds } });
      expect([status, body]).toMatchObject([422, { pointer: "/seconds" }]);
      expect(body.detail).toContain("AWS makes sessions of 900 to 3600 seconds");
    },
  );

  test("are made anew by every request, and a key replays none: no secret is stored", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const headers = { "idempotency-key": "the-same" };
    const one = (await credentialsOf(study, { token, headers, body: { seconds: 900 } })).body;
    const two = (await credentialsOf(study, { token, headers, body: { seconds: 900 } })).body;
    expect(one.secretAccessKey).not.toBe(two.secretAccessKey);
    const items = JSON.stringify(await deps.store.list(`TEAM#${TEAM}`, "SESSION#"));
    expect(items).toContain(one.id);
    for (const { secretAccessKey, sessionToken } of [one, two]) {
      expect(items).not.toContain(secretAccessKey);
      expect(items).not.toContain(sessionToken);
    }
  });

  test("are for editors and owners; nobody's session has more than its maker, and none gives access to others", async () => {
    const study = await newStudy();
    for (const role of ["viewer", "worker"] as const) {
      const { token } = await newToken(role, { study });
      expect((await credentialsOf(study, { token })).body).toMatchObject({ type: "forbidden" });
    }
    const { token } = await newToken("owner");
    const wanted = await credentialsOf(study, { token, body: { role: "owner" } });
    expect(wanted.body).toMatchObject({ type: "invalid-input", pointer: "/role" });
    const session = await sessionOf(study, token);
    const path = `/iam/v1/teams/${TEAM}/tokens`;
    const { body } = await call("POST", path, { signer: session, body: { name: "more", role: "viewer" } });
    expect(body).toMatchObject({ type: "forbidden" });
  });

  test("a session makes no further one, so it ends", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const signer = await sessionOf(study, token);
    const { body } = await credentialsOf(study, { signer }, "/iam/v1");
    expect(body).toMatchObject({ type: "forbidden" });
    expect(body.detail).toContain("makes no further one");
  });

  test("when AWS makes none, the answer is ours, and what AWS said is in the log", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const said =
      "User: arn:aws:sts::000000000000:assumed-role/x is not authorized to perform: sts:AssumeRole";
    identities.fault = Object.assign(new Unavailable({ kind: "sessions-refused" }), {
      cause: Object.assign(new Error(said), { name: "AccessDenied" }),
    });
    const { status, body } = await credentialsOf(study, { token });
    identities.fault = null;
    expect([status, body.type]).toEqual([503, "unavailable"]);
    expect(JSON.stringify(body)).not.toContain("arn:");
    expect(body.detail).toContain("session-refused");
    expect(world.lines.at(-1)).toMatchObject({
      event: "session-refused",
      study,
      error: "AccessDenied",
      message: said,
    });
  });
});

/** Those of the document, but where they must suit the study. */
const bodyOf = (name: RouteName): unknown => own[name] ?? examples[name]?.body;
const own: Partial<Record<RouteName, object>> = {
  createStudy: studyBody(),
  patchStudy: { state: "running" },
  report: { attempt: 1, step: 1, values: { accuracy: 0.5 } },
  heartbeat: { attempt: 1 },
  tell: { attempt: 1, values: { accuracy: 0.5 } },
  addTrials: { trials: [{ params: { C: 1, gamma: 0.1 } }] },
};
/** Deletion last: the routes are tried on one study. */
const inOrder = (Object.entries(routes) as [RouteName, Route][]).sort(
  ([, one], [, other]) => Number(one.method === "DELETE") - Number(other.method === "DELETE"),
);
const pathOf = (route: Route, study: string, team = TEAM) =>
  `${IAM_BASE_PATH}${route.path}`
    .replace("{team}", team)
    .replace("{study}", study)
    .replace("{number}", "0")
    .replace("{grant}", "0".repeat(24))
    .replace(/\{\w+\}/g, "abcdefghijkl");

describe.each(["viewer", "worker", "editor"] as const)("a session as %s", (role) => {
  test("may do in its study what the role may, and nothing in the team", async () => {
    const study = await newStudy();
    const { token } = await newToken("owner");
    const signer = await sessionOf(study, token, { role });
    for (const [name, route] of inOrder) {
      const { status } = await call(route.method, pathOf(route, study), { signer, body: bodyOf(name) });
      const allowed: ReadonlySet<Action> = roleActions[role];
      const isOfStudy = route.path.includes("{study}") && route.action !== "credentials:create";
      if (isOfStudy && allowed.has(route.action))
        expect([401, 403, 422, 500, 503], name).not.toContain(status);
      else expect(status, name).toBe(403);
    }
  });
});

test("of another study, a session cannot tell whether it exists", async () => {
  const [study, other] = [await newStudy(), await newStudy()];
  const { token } = await newToken("editor");
  const signer = await sessionOf(study, token);
  for (const [name, route] of inOrder.filter(([, { path }]) => path.includes("{study}"))) {
    const answers = [other, "no-such-study"].map(async (id) => {
      const { body } = await call(route.method, pathOf(route, id), { signer, body: bodyOf(name) });
      return JSON.stringify({ ...body, requestId: "" }).replaceAll(id, "");
    });
    const [real, imagined] = await Promise.all(answers);
    expect(real, name).toContain("study-not-found");
    expect(imagined, name).toBe(real);
  }
});

describe("a session ends", () => {
  const ended = { status: 401, type: "unauthenticated" };

  test("with its time, though DynamoDB deletes late", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const signer = await sessionOf(study, token, { seconds: 900 });
    world.clock.now += 900_000 - 1;
    expect((await getStudy(study, { signer })).status).toBe(200);
    world.clock.now += 1;
    const { body, headers } = await getStudy(study, { signer });
    expect(body).toMatchObject(ended);
    expect(body.detail).toContain("POST …/credentials");
    expect(headers).not.toHaveProperty("www-authenticate");
  });

  test("with the token that made it", async () => {
    const study = await newStudy();
    const { id, token } = await newToken("editor");
    const signer = await sessionOf(study, token);
    expect((await getStudy(study, { signer })).status).toBe(200);
    await deleteToken(deps, TEAM, id, noReceipt);
    expect((await getStudy(study, { signer })).body).toMatchObject(ended);
  });

  test("when it is taken out of the table", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const { id } = (await credentialsOf(study, { token })).body;
    await deps.store.transact([removeSession(TEAM, id)]);
    expect((await getStudy(study, { signer: holderOf(id) })).body).toMatchObject(ended);
  });

  test("and opens no other team's path", async () => {
    const study = await newStudy();
    const { token } = await newToken("editor");
    const signer = await sessionOf(study, token);
    expect((await getStudy(study, { signer }, "other")).body).toMatchObject(ended);
  });
});

describe("the role of a team", () => {
  test("has no right that no grant gives; a study is not there", async () => {
    const study = await newStudy();
    const signer = memberOf(TEAM, "nobody");
    const answers = [study, "no-such-study"].map(async (id) => {
      const { body } = await getStudy(id, { signer });
      return JSON.stringify({ ...body, requestId: "" }).replaceAll(id, "");
    });
    const [real, imagined] = await Promise.all(answers);
    expect(real).toContain("study-not-found");
    expect(imagined).toBe(real);
  });

  test("has what grants give to its session's ARN, in that study", async () => {
    const [study, other] = [await newStudy(), await newStudy()];
    const signer = memberOf(TEAM, "bob");
    await grant(signer.arn, "viewer", study);
    expect((await getStudy(study, { signer })).status).toBe(200);
    expect((await getStudy(other, { signer })).status).toBe(404);
    expect((await getStudy(study, { signer: memberOf(TEAM, "bobby") })).status).toBe(404);
    const ask = `/iam/v1/teams/${TEAM}/studies/${study}/ask`;
    expect((await call("POST", ask, { signer })).status).toBe(403);
  });

  test("has what grants give to the role, whoever takes it, and both together", async () => {
    await createTeam(deps, "both");
    const study = await newStudy("both");
    const [signer, other] = [memberOf("both", "carol"), memberOf("both", "dave")];
    await grant("arn:aws:iam::000000000000:role/hone-team-both", "viewer", study, "both");
    await grant(signer.arn, "worker", study, "both");
    const ask = `/iam/v1/teams/both/studies/${study}/ask`;
    for (const each of [signer, other]) {
      expect((await getStudy(study, { signer: each }, "both")).status).toBe(200);
    }
    expect((await call("POST", ask, { signer })).status).toBe(200);
    expect((await call("POST", ask, { signer: other })).status).toBe(403);
  });

  test("makes sessions, which end with the grant", async () => {
    await createTeam(deps, "makers");
    const study = await newStudy("makers");
    const signer = memberOf("makers");
    const principal = { kind: "iam", id: signer.arn } as const;
    await grant(signer.arn, "editor", study, "makers");
    const { body } = await credentialsOf(study, { signer }, "/iam/v1", "makers");
    const session = { signer: holderOf(body.id) };
    expect((await getStudy(study, session, "makers")).status).toBe(200);
    const lowered = {
      team: "makers",
      principal,
      study,
      role: "viewer",
      created: 0,
      createdBy: "admin",
    } as const;
    await deps.store.transact([putGrant(lowered, false)]);
    expect((await getStudy(study, session, "makers")).status).toBe(401);
  });

  test("of another team gets a 404 on every route, whether something exists there or not", async () => {
    const study = await newStudy();
    const signer = memberOf("other");
    await grant(signer.arn, "owner", null, TEAM);
    for (const [name, route] of inOrder) {
      const answers = [study, "no-such-study"].map(async (id) => {
        const { body } = await call(route.method, pathOf(route, id), { signer, body: bodyOf(name) });
        return { ...body, requestId: "" };
      });
      const [real, imagined] = await Promise.all(answers);
      expect(real, name).toMatchObject({ status: 404, type: "not-found" });
      expect(imagined, name).toEqual(real);
    }
  });

  test.each([
    ["another account", memberOf(TEAM, "alice", "999999999999")],
    ["an account that the ARN does not say", { ...memberOf(TEAM), account: "999999999999" }],
    [
      "a role whose name only begins so",
      { ...memberOf(TEAM), arn: "arn:aws:sts::000000000000:assumed-role/hone-teams/a" },
    ],
    ["a user", { account: "000000000000", arn: "arn:aws:iam::000000000000:user/alice" }],
    ["the account's root", { account: "000000000000", arn: "arn:aws:iam::000000000000:root" }],
    [
      "a role of that name, not a session",
      { account: "000000000000", arn: `arn:aws:iam::000000000000:role/hone-team-${TEAM}` },
    ],
    [
      "another partition",
      { account: "000000000000", arn: `arn:aws-cn:sts::000000000000:assumed-role/hone-team-${TEAM}/alice` },
    ],
    [
      "a session that Hone has not named",
      holderOf("").arn.replace("hone-sessions/hone-", "hone-sessions/alice"),
    ],
    ["nobody", ""],
  ])("is not %s, even with a grant", async (_, who) => {
    const study = await newStudy();
    const signer = typeof who === "string" ? { account: "000000000000", arn: who } : who;
    await grant(signer.arn || "nobody", "owner", study);
    expect((await getStudy(study, { signer })).body).toMatchObject({ status: 401, type: "unauthenticated" });
  });
});

test("a bearer token opens nothing below /iam, and a signature nothing below /v1", async () => {
  const study = await newStudy();
  const { token } = await newToken("owner");
  expect((await getStudy(study, { token })).status).toBe(403); // API Gateway's own answer
  const signer = await sessionOf(study, token);
  const path = `/v1/teams/${TEAM}/studies/${study}`;
  expect((await call("GET", path, { signer })).body).toMatchObject({ status: 401 });
});
