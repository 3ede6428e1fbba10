import { beforeAll, expect, test } from "vitest";
import { type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import type { Role } from "../../../shared/schemas/token.ts";
import type { ClaimReply } from "../../../shared/schemas/trial.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../shared/service/access/tokens.ts";
import { batchWorld, worldOn } from "../../support/batch.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { noReceipt, studyBody, TEAM } from "../../support/service.ts";

/** Who may do what, over HTTP: authorizer, policy, handler and table together. */
const { client, tableName } = await createTestTable();
const world = await worldOn(client, tableName);
const { deps } = world;
const call: Gateway = gateway(deps);

beforeAll(async () => {
  await createTeam(deps, TEAM);
  await createTeam(deps, "other");
});

const newToken = (role: Role, team = TEAM, study?: string) =>
  createToken(deps, team, { name: "test", role, ...(study && { study }) }, "admin", noReceipt);

const newStudy = async () => {
  const { token } = await newToken("owner");
  const { body } = await call<{ study: string }>("POST", `/v1/teams/${TEAM}/studies`, {
    token,
    body: studyBody(),
  });
  return body.study;
};

/** Deletion last: the routes are tried on one study. */
const inOrder = (Object.entries(routes) as [RouteName, Route][]).sort(
  ([, one], [, other]) => Number(one.method === "DELETE") - Number(other.method === "DELETE"),
);

const bodies: Partial<Record<RouteName, object>> = {
  createStudy: studyBody(),
  patchStudy: { state: "running" },
  patchBudget: { dollars: 100 },
  report: { attempt: 1, step: 1, values: { accuracy: 0.5 } },
  heartbeat: { attempt: 1 },
  checkpoint: { attempt: 1 },
  tell: { attempt: 1, values: { accuracy: 0.5 } },
  claim: { attempt: 1, jobId: "job-1", claimant: "claimant-0123456789" },
  addTrials: { trials: [{ params: { C: 1, gamma: 0.1 } }] },
  deleteTeam: { confirm: "nobody" },
  exportAudit: { month: "2026-11" },
  createToken: { name: "made", role: "viewer" },
  putMember: { name: "made" },
  createGrant: { principal: { iam: "arn:aws:iam::111122223333:role/ci" }, study: null, role: "viewer" },
};

const pathOf = (route: Route, study: string, tokenId = "abcdefghijkl", team = TEAM) =>
  `/v1/teams/${team}${route.path}`
    .replace("{study}", study)
    .replace("{number}", "0")
    .replace("{token}", tokenId)
    .replace("{member}", "ann")
    .replace("{grant}", "0123456789abcdef01234567")
    .replace("{sweep}", "nightly-abcdef");

test("a worker's token reads the study it is restricted to; one of the whole team works on any and reads none", async () => {
  const study = await newStudy();
  const reads = inOrder.filter(([, { action }]) => action === "study:read" || action === "trial:read");
  const { token: own } = await newToken("worker", TEAM, study);
  const { token: wide } = await newToken("worker");
  expect((await call("POST", pathOf(routes.ask, study), { token: wide })).status).toBe(200);
  for (const [name, route] of reads) {
    expect((await call(route.method, pathOf(route, study), { token: own })).status, name).toBe(200);
    const { body } = await call(route.method, pathOf(route, study), { token: wide });
    expect(body, name).toMatchObject({ status: 403, type: "forbidden" });
    expect(body.detail).toContain("Create it with a `study`");
  }
});

test("without a credential every route except health is a 401", async () => {
  const study = await newStudy();
  for (const [name, route] of inOrder) {
    for (const request of [{ caller: null }, {}, { token: `hone_aaaaaaaaaaaa_${"a".repeat(43)}` }]) {
      const { status, body, headers } = await call(route.method, pathOf(route, study), {
        ...request,
        body: bodies[name],
      });
      expect([status, body.type], name).toEqual([401, "unauthenticated"]);
      expect(headers["www-authenticate"]).toBe("Bearer");
      if (!("token" in request)) expect(body.detail).toBe("Send a token: Authorization: Bearer hone_...");
    }
  }
  expect((await call("GET", "/v1/healthz", { caller: null })).body).toEqual({ status: "ok" });
});

test("a revoked token and an expired one are a 401 from then on", async () => {
  const { id, token } = await newToken("owner");
  const read = () => call("GET", `/v1/teams/${TEAM}/studies`, { token });
  expect((await read()).status).toBe(200);
  await deleteToken(deps, TEAM, id, noReceipt);
  expect((await read()).body).toMatchObject({
    status: 401,
    detail: "The token is unknown, revoked or mistyped.",
  });

  const short = await createToken(deps, TEAM, { name: "short", role: "viewer", days: 1 }, "admin", noReceipt);
  world.clock.now += 24 * 3600 * 1000;
  const { status, body } = await call("GET", `/v1/teams/${TEAM}/studies`, { token: short.token });
  expect(status).toBe(401);
  expect(body.detail).toContain("expired");
});

test("another team's token gets a 404 on every route, whether something exists there or not", async () => {
  const study = await newStudy();
  const { token } = await newToken("owner", "other");
  for (const [name, route] of inOrder) {
    const answers = [study, "no-such-study"].map(async (id) => {
      const { body } = await call(route.method, pathOf(route, id), { token, body: bodies[name] });
      return { ...body, requestId: "" };
    });
    const [real, imagined] = await Promise.all(answers);
    expect(real).toMatchObject({ status: 404, type: "not-found" });
    expect(imagined).toEqual(real);
  }
  // Its own team's path does not show it either.
  const own = await call("GET", `/v1/teams/other/studies/${study}`, { token });
  expect(own.body).toMatchObject({ status: 404, type: "study-not-found" });
});

test("a token for one study can access that study and no other", async () => {
  const [one, two] = [await newStudy(), await newStudy()];
  const { token } = await newToken("editor", TEAM, one);
  const get = (path: string) => call("GET", `/v1/teams/${TEAM}${path}`, { token });
  expect((await get(`/studies/${one}`)).status).toBe(200);
  const hidden = await get(`/studies/${two}`);
  expect(hidden.body).toMatchObject({ status: 404, type: "study-not-found" });
  const missing = await get("/studies/no-such-study");
  expect(missing.body.detail).toBe(hidden.body.detail.replace(two, "no-such-study"));
  expect((await get("/studies")).status).toBe(403);
});

test("a container claims with its bootstrap token, and then uses the token of its trial, only for its own trial", async () => {
  const job = await batchWorld({ budget: { trials: 2, parallel: 2 } });
  const container = gateway(job.deps);
  await job.start();
  await job.deliver();
  const trial = (n: number) => `/v1/teams/${TEAM}/studies/${job.study.id}/trials/${n}`;
  const { jobId, environment } = job.batch.of(0);
  const bootstrap = environment.HONE_TOKEN ?? "";
  const claim = { attempt: 1, jobId, claimant: "claimant-0123456789" };

  expect((await container("POST", `${trial(0)}/tell`, { token: bootstrap, body: bodies.tell })).status).toBe(
    403,
  );
  expect((await container("POST", `${trial(1)}/claim`, { token: bootstrap, body: claim })).status).toBe(401);
  const claimed = await container<ClaimReply>("POST", `${trial(0)}/claim`, { token: bootstrap, body: claim });
  expect(claimed.status).toBe(200);
  const { token } = claimed.body;

  expect((await container("POST", `${trial(0)}/heartbeat`, { token, body: { attempt: 1 } })).status).toBe(
    200,
  );
  expect((await container("POST", `${trial(0)}/claim`, { token, body: claim })).status).toBe(403);
  expect(
    (await container("POST", `${trial(0)}/tell`, { token, body: { ...bodies.tell, attempt: 2 } })).status,
  ).toBe(403);
  expect((await container("POST", `${trial(1)}/tell`, { token, body: bodies.tell })).status).toBe(401);
  expect((await container("GET", trial(0), { token })).body).toMatchObject({
    status: 403,
    type: "forbidden",
    detail: "A trial token must not do this (trial:read).",
  });
  expect((await container("DELETE", trial(0), { token })).body).toMatchObject({ status: 404 });
  expect((await container("POST", `/v1/teams/${TEAM}/studies/${job.study.id}/ask`, { token })).status).toBe(
    401,
  );
  expect((await container("DELETE", `/v1/teams/${TEAM}/studies/${job.study.id}`, { token })).status).toBe(
    401,
  );

  const told = await container("POST", `${trial(0)}/tell`, { token, body: bodies.tell });
  expect(told).toMatchObject({ status: 200, body: { number: 0, state: "completed" } });
  const again = await container("POST", `${trial(0)}/tell`, { token, body: bodies.tell });
  expect(again.body).toEqual(told.body);
});

test("a job's token has no rights on another team's path", async () => {
  const job = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await job.start();
  await job.deliver();
  const { jobId, environment } = job.batch.of(0);
  const path = `/v1/teams/other/studies/${job.study.id}/trials/0/claim`;
  const body = { attempt: 1, jobId, claimant: "claimant-0123456789" };
  const reply = await gateway(job.deps)("POST", path, { token: environment.HONE_TOKEN ?? "", body });
  expect(reply.body).toMatchObject({ status: 404, type: "study-not-found" });
});

test.each([
  ["PUT", "/v1/teams/acme/studies"],
  ["GET", "/v1/teams/acme/nothing"],
  ["GET", "/"],
  ["GET", "/v2/healthz"],
  ["POST", "/v1/healthz"],
])("%s %s, which no route matches, is a 404 of ours, with a token or without one", async (method, path) => {
  const { token } = await newToken("owner");
  for (const request of [{ token }, { caller: null }, {}]) {
    const { body } = await call(method, path, request);
    expect(body).toMatchObject({ status: 404, type: "not-found", detail: "Nothing exists at this path." });
  }
});

test("an encoded slash is a slash: it reaches what the plain path does, and no more", async () => {
  const [study, other] = [await newStudy(), await newStudy()];
  const { token } = await newToken("editor", TEAM, study);
  const get = (path: string) => call("GET", `/v1/teams/${TEAM}${path}`, { token });
  expect((await get(`%2Fstudies%2f${study}`)).status).toBe(200);
  expect((await get(`/studies/${study}%2F..%2F${other}`)).body).toMatchObject({
    status: 404,
    type: "not-found",
  });
  expect((await get(`/studies%2F${other}`)).body).toMatchObject({ status: 404, type: "study-not-found" });
  expect((await get(`/studies/${study}%252Fbest`)).body).toMatchObject({ status: 404, type: "not-found" });
});

test.each([
  "/v1/teams/acme/studies/svm-1/../svm-2/ask",
  "/v1/teams/acme/studies/%2e%2e/ask",
  "/v1/teams/acme//studies/svm-1/ask",
  "/v1/teams/acme/studies/SVM-1/ask",
  "/v1/teams/acme/studies/svm-1/ask/",
  "/v1/teams/ACME/studies",
  `/v1/teams/acme/studies/${"s".repeat(10_240)}/ask`,
])("28: with a good token %s is a 404 of ours", async (path) => {
  const { token } = await newToken("owner");
  const { status, body } = await call("POST", path, { token });
  expect([status, body.type]).toEqual([404, "not-found"]);
});
