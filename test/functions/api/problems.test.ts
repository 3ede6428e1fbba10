import { beforeAll, expect, test } from "vitest";
import { type RouteName, routes } from "../../../shared/api/routes.ts";
import { Conflict } from "../../../shared/errors.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { CreatedToken } from "../../../shared/schemas/token.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { batchWorld, type World } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { type Gateway, gateway, type Request } from "../../support/gateway.ts";
import { nestedCv, studyBody, TEAM } from "../../support/service.ts";

/**
 * Each problem that a route lists is one that it answers: here is a request for every one. The other direction, that a route
 * answers only what it lists, is held by the gateway of all tests.
 */
const editor = callerAs("owner");
const params = { C: 1, gamma: 0.1 };
const values = { accuracy: 0.5 };

let world: World;
let call: Gateway;

beforeAll(async () => {
  world = await batchWorld();
  call = gateway(world.deps);
  await createTeam(world.deps, TEAM);
  await world.launch();
});

const base = `/v1/teams/${TEAM}/studies`;
const post = (path: string, body: unknown = {}, more: Request = {}) =>
  call("POST", `${base}${path}`, { caller: editor, body, ...more });
const patch = (path: string, body: unknown) => call("PATCH", `${base}${path}`, { caller: editor, body });
const create = async (change: object = {}) =>
  (await call<Study>("POST", base, { caller: editor, body: studyBody(change) })).body.study;
const createBatch = () => create({ executor: world.study.spec.executor });
/** A client study whose only trial is running, or told. */
const one = async (tell = false) => {
  const study = await create({ budget: { trials: 1 } });
  await post(`/${study}/ask`);
  if (tell) await post(`/${study}/trials/0/tell`, { attempt: 1, values });
  return study;
};
const claimBody = { attempt: 1, jobId: "job-9", claimant: "claimant-9876543210" };
const claim = (study: string, trial = 0, attempt = 1) =>
  call("POST", `${base}/${study}/trials/${trial}/claim`, {
    caller: { kind: "bootstrap", team: TEAM, study, trial, attempt },
    body: { ...claimBody, attempt },
  });
const tell = { attempt: 1, values };
const report = { attempt: 1, step: 1, values };

const access = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  call(method, `/v1/teams/${TEAM}${path}`, { caller: editor, ...(body !== undefined && { body }), headers });
const newToken = async (change: object): Promise<CreatedToken> => {
  const body = { name: "problems", role: "viewer", ...change };
  return (await call<CreatedToken>("POST", `/v1/teams/${TEAM}/tokens`, { caller: editor, body })).body;
};

type Answered = Promise<{ readonly body: { readonly type: string } }>;
type Listed<N extends RouteName> = (typeof routes)[N]["problems"][number];

/** Does not compile when a route lists a problem for which no request is here. */
const requests: { readonly [N in RouteName]: { readonly [P in Listed<N>]: () => Answered } } = {
  createStudy: {
    "study-not-found": async () => {
      const request = { caller: editor, body: studyBody(), headers: { "idempotency-key": "deleted-since" } };
      const { body } = await call<Study>("POST", base, request);
      await call("DELETE", `${base}/${body.study}`, { caller: editor });
      return call("POST", base, request);
    },
  },
  listStudies: {},
  getStudy: { "study-not-found": () => call("GET", `${base}/gone`, { caller: editor }) },
  patchStudy: {
    "study-not-found": () => patch("/gone", { state: "paused" }),
    conflict: async () => patch(`/${await one(true)}`, { state: "paused" }),
    "budget-spent": async () => {
      const study = await create();
      await post(`/${study}/ask`, { count: 3 });
      return patch(`/${study}`, { budget: { trials: 2 } });
    },
  },
  deleteStudy: { "study-not-found": () => call("DELETE", `${base}/gone`, { caller: editor }) },
  ask: {
    "study-not-found": () => post("/gone/ask"),
    "wrong-executor": () => post(`/${world.study.id}/ask`),
  },
  report: {
    "study-not-found": () => post("/gone/trials/0/report", report),
    "trial-not-found": async () => post(`/${await one()}/trials/7/report`, report),
    "stale-attempt": async () => post(`/${await one()}/trials/0/report`, { ...report, attempt: 2 }),
  },
  heartbeat: {
    "study-not-found": () => post("/gone/trials/0/heartbeat", { attempt: 1 }),
    "trial-not-found": async () => post(`/${await one()}/trials/7/heartbeat`, { attempt: 1 }),
    "stale-attempt": async () => post(`/${await one()}/trials/0/heartbeat`, { attempt: 2 }),
  },
  tell: {
    "study-not-found": () => post("/gone/trials/0/tell", tell),
    "trial-not-found": async () => post(`/${await one()}/trials/7/tell`, tell),
    "stale-attempt": async () => post(`/${await one()}/trials/0/tell`, { ...tell, attempt: 2 }),
    "already-told": async () =>
      post(`/${await one(true)}/trials/0/tell`, { attempt: 1, values: { accuracy: 0 } }),
    "wrong-executor": () =>
      post(`/${world.study.id}/trials/0/tell`, { attempt: 1, released: { reason: "SIGTERM" } }),
  },
  checkpoint: {
    "study-not-found": () => post("/gone/trials/0/checkpoint", { attempt: 1 }),
    "trial-not-found": async () => post(`/${await one()}/trials/7/checkpoint`, { attempt: 1 }),
    "stale-attempt": async () => post(`/${await one()}/trials/0/checkpoint`, { attempt: 2 }),
  },
  claim: {
    "study-not-found": () => claim("gone"),
    "trial-not-found": () => claim(world.study.id, 99),
    "stale-attempt": () => claim(world.study.id, 0, 2),
    "claim-lost": () => claim(world.study.id),
    "wrong-executor": async () => claim(await one()),
  },
  addTrials: {
    "study-not-found": () => post("/gone/trials", { trials: [{ params }] }),
    "budget-spent": async () => post(`/${await one()}/trials`, { trials: [{ params }] }),
    conflict: async () => post(`/${await create({ evaluation: nestedCv })}/trials`, { trials: [{ params }] }),
  },
  listTrials: { "study-not-found": () => call("GET", `${base}/gone/trials`, { caller: editor }) },
  getTrial: {
    "study-not-found": () => call("GET", `${base}/gone/trials/0`, { caller: editor }),
    "trial-not-found": async () => call("GET", `${base}/${await one()}/trials/7`, { caller: editor }),
  },
  best: { "study-not-found": () => call("GET", `${base}/gone/best`, { caller: editor }) },
  lineage: {
    "study-not-found": () => call("GET", `${base}/gone/lineage`, { caller: editor }),
    "trial-not-found": async () => call("GET", `${base}/${await one()}/lineage?trial=7`, { caller: editor }),
  },
  exportTrials: { "study-not-found": () => call("GET", `${base}/gone/export`, { caller: editor }) },
  start: {
    "study-not-found": () => post("/gone/start"),
    "wrong-executor": async () => post(`/${await one()}/start`),
    "study-not-running": async () => {
      const study = await createBatch();
      await patch(`/${study}`, { state: "paused" });
      return post(`/${study}/start`);
    },
    conflict: async () => {
      const batch = Object.assign(Object.create(world.batch), {
        register: async () => {
          throw new Conflict({ kind: "batch-refuses" });
        },
      });
      const refusing = gateway({ ...world.deps, batch });
      return refusing("POST", `${base}/${await createBatch()}/start`, { caller: editor });
    },
  },
  stop: {
    "study-not-found": () => post("/gone/stop"),
    "wrong-executor": async () => post(`/${await one()}/stop`),
  },
  createCredentials: { "study-not-found": () => post("/gone/credentials") },
  createToken: {
    "shown-once": async () => {
      const again = () =>
        call("POST", `/v1/teams/${TEAM}/tokens`, {
          caller: editor,
          body: { name: "once", role: "viewer" },
          headers: { "idempotency-key": "shown-once" },
        });
      await again();
      return again();
    },
  },
  listTokens: {},
  rotateToken: {
    "shown-once": async () => {
      const { id } = await newToken({});
      const again = () => access("POST", `/tokens/${id}/rotate`, {}, { "idempotency-key": `rotate-${id}` });
      await again();
      return again();
    },
    conflict: async () => {
      const { id } = await newToken({});
      await access("POST", `/tokens/${id}/rotate`);
      return access("POST", `/tokens/${id}/rotate`);
    },
  },
  deleteToken: {},
  putMember: {
    conflict: async () => {
      await access("POST", "/members", { name: "last-owner", role: "owner" });
      return access("POST", "/members", { name: "last-owner", role: "editor" });
    },
  },
  listMembers: {},
  deleteMember: {
    conflict: async () => {
      await access("POST", "/members", { name: "last-owner", role: "owner" });
      return access("DELETE", "/members/last-owner");
    },
  },
  createGrant: {
    "study-not-found": () =>
      access("POST", "/grants", { principal: { member: "ann" }, study: "gone-study", role: "viewer" }),
    conflict: async () => {
      await access("POST", "/members", { name: "ann" });
      const { id } = await newToken({ member: "ann" });
      return access("POST", "/grants", { principal: { token: id }, study: null, role: "viewer" });
    },
  },
  listGrants: {},
  deleteGrant: {},
  listAudit: {},
  getTeam: {},
  deleteTeam: {},
  exportAudit: {},
  createSweep: {},
  listSweeps: {},
  getSweep: {},
  patchSweep: {},
  deleteSweep: {},
  runSweep: {},
  listFirings: {},
  getBudget: {},
  patchBudget: {},
};

const all = Object.entries(requests).flatMap(([route, by]) =>
  Object.entries<() => Answered>(by).map(([problem, request]) => ({ route, problem, request })),
);

test.each(all)("$route answers $problem", async ({ problem, request }) => {
  expect((await request()).body.type).toBe(problem);
});

test("every problem that a route lists beside the common ones is tried here", () => {
  for (const [name, { problems }] of Object.entries(routes)) {
    expect(
      all
        .filter(({ route }) => route === name)
        .map(({ problem }) => problem)
        .sort(),
      name,
    ).toEqual([...problems].sort());
  }
});
