import { beforeAll, expect, test } from "vitest";
import { type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import type { Caller } from "../../../shared/auth/authorize.ts";
import type { Study, StudyPage } from "../../../shared/schemas/study.ts";
import type { Trial } from "../../../shared/schemas/trial.ts";
import { SETTLED_MS } from "../../../shared/service/studies/delete.ts";
import { batchExecution, type World, worldOn } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { studyBody, TEAM } from "../../support/service.ts";

const editor = callerAs("editor");
const owner: Caller = { ...editor, role: "owner" };
const base = `/v1/teams/${TEAM}/studies`;

let call: Gateway;
let world: World;
beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  world = await worldOn(client, tableName);
  call = gateway(world.deps);
});

const create = async (change: object = {}) =>
  (await call<Study>("POST", base, { caller: editor, body: studyBody(change) })).body;

test("the reply to a creation is the study as GET returns it, and Location is its path", async () => {
  const { status, headers, body } = await call<Study>("POST", base, { caller: editor, body: studyBody() });
  expect(status).toBe(201);
  expect(headers["content-type"]).toBe("application/json");
  expect(headers.location).toBe(`${base}/${body.study}`);
  expect(body.study).toMatch(/^svm-digits-[a-z0-9]{6}$/);
  expect(body).toMatchObject({ state: "running", lease: { seconds: 300, maxAttempts: 3 }, best: [] });
  const shown = await call<Study>("GET", headers.location ?? "", { caller: editor });
  expect(shown.body).toEqual(body);
});

test("a repeated creation with the same key returns the same study", async () => {
  const headers = { "idempotency-key": "create-once" };
  const create = () => call<Study>("POST", base, { caller: editor, body: studyBody(), headers });
  expect(await create()).toEqual(await create());
});

test("studies are listed page by page, each exactly once", async () => {
  const ids = new Set<string>();
  for (let i = 0; i < 5; i++) ids.add((await create({ name: `listed-${i}` })).study);
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `${base}?limit=2${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
    const { body }: { body: StudyPage } = await call<StudyPage>("GET", path, { caller: editor });
    expect(body.studies.length).toBeLessThanOrEqual(2);
    seen.push(...body.studies.map((study) => study.study));
    cursor = body.cursor;
  }
  expect(new Set(seen).size).toBe(seen.length);
  for (const id of ids) expect(seen).toContain(id);
});

test("a paused study hands out no trials, a resumed one does, and its budget can be extended", async () => {
  const { study } = await create({ budget: { trials: 1 } });
  const patch = (body: object) => call<Study>("PATCH", `${base}/${study}`, { caller: editor, body });
  const ask = () => call("POST", `${base}/${study}/ask`, { caller: editor });
  expect((await patch({ state: "paused" })).body.state).toBe("paused");
  expect((await ask()).body).toMatchObject({ trials: [], state: "paused", retryAfter: expect.any(Number) });
  expect((await patch({ state: "running" })).body.state).toBe("running");
  expect((await ask()).body).toMatchObject({ trials: [{ number: 0 }] });
  expect((await ask()).body).toMatchObject({ trials: [] });
  expect((await patch({ budget: { trials: 2 } })).body.budget.trials).toBe(2);
  expect((await ask()).body).toMatchObject({ trials: [{ number: 1 }] });
});

test("a deleted study no longer exists, and a repeated deletion with the same key gets the same reply", async () => {
  const { study } = await create();
  const path = `${base}/${study}`;
  const headers = { "idempotency-key": "delete-once" };
  const first = await call("DELETE", path, { caller: editor, headers });
  expect([first.status, first.body]).toEqual([204, null]);
  expect((await call("GET", path, { caller: editor })).body).toMatchObject({
    status: 404,
    type: "study-not-found",
  });
  expect((await call("DELETE", path, { caller: editor })).status).toBe(404);
  expect((await call("DELETE", path, { caller: editor, headers })).status).toBe(204);
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  expect((await call("DELETE", path, { caller: editor })).status).toBe(404);
  expect((await call("DELETE", path, { caller: editor, headers })).status).toBe(204);
});

test.each([
  ["client", {}],
  ["batch", { executor: batchExecution }],
])(
  "from a deletion on, every route of a %s study and its trials says that there is no such study",
  async (_, change) => {
    const { study } = await create(change);
    const path = `${base}/${study}`;
    await call("POST", `${path}/ask`, { caller: editor, body: { count: 2 } });
    expect((await call("DELETE", path, { caller: editor })).status).toBe(204);
    const claim = { attempt: 1, jobId: "job", claimant: "claimant-0123456789" };
    const bodies: Partial<Record<RouteName, object>> = {
      patchStudy: { state: "paused" },
      report: { attempt: 1, step: 1, values: { accuracy: 1 } },
      heartbeat: { attempt: 1 },
      checkpoint: { attempt: 1 },
      tell: { attempt: 1, values: { accuracy: 1 } },
      addTrials: { trials: [{ params: { C: 1, gamma: 0.1 } }] },
      claim,
    };
    const concerned = (Object.entries(routes) as [RouteName, Route][]).filter(([, { path }]) =>
      path.startsWith("/studies/{study}"),
    );
    expect(concerned.length).toBeGreaterThan(12);
    for (const [name, { method, path: pattern }] of concerned) {
      const url = `/v1/teams/${TEAM}${pattern.replace("{study}", study).replace("{number}", "0")}`;
      const body = bodies[name];
      const reply = await call(method, url, { caller: owner, ...(body !== undefined && { body }) });
      // No bearer token may claim, whatever the study is.
      expect([name, reply.status]).toEqual([name, name === "claim" ? 403 : 404]);
      if (name !== "claim") expect(reply.body).toMatchObject({ type: "study-not-found" });
    }
  },
);

test("trials are imported, listed, filtered and exported as JSON and CSV", async () => {
  const { study } = await create({
    space: {
      lr: { type: "float", low: 0, high: 1 },
      kind: { type: "categorical", choices: ['a,"b"', "c", null, true] },
    },
  });
  const trials = [
    { params: { lr: 0.1, kind: 'a,"b"' }, values: { accuracy: 0.1 + 0.2 } },
    { params: { lr: 5e-324, kind: null }, values: { accuracy: 1e300 } },
    { params: { lr: 1, kind: true }, values: { accuracy: "nan" } },
    { params: { lr: 0.5, kind: "c" } },
  ];
  const added = await call("POST", `${base}/${study}/trials`, { caller: editor, body: { trials } });
  expect(added).toMatchObject({
    status: 201,
    body: {
      trials: [{ state: "completed" }, { state: "completed" }, { state: "failed" }, { state: "queued" }],
    },
  });
  const get = <T>(path: string) => call<T>("GET", `${base}/${study}${path}`, { caller: editor });
  const page = await get<{ trials: Trial[]; cursor: string }>("/trials?limit=3");
  expect(page.body.trials.map((trial) => trial.number)).toEqual([0, 1, 2]);
  const rest = await get<{ trials: Trial[]; cursor: null }>(`/trials?cursor=${page.body.cursor}`);
  expect(rest.body.trials.map((trial) => trial.state)).toEqual(["queued"]);
  expect((await get<{ trials: Trial[] }>("/trials?state=failed")).body.trials).toHaveLength(1);
  expect((await get("/best")).body).toMatchObject({ trials: [{ number: 1, values: { accuracy: 1e300 } }] });

  const json = await get<{ trials: Trial[] }>("/export?format=json");
  expect(json.body.trials.map((trial) => trial.number)).toEqual([0, 1, 2]);
  const csv = await get<string>("/export?format=csv");
  expect(csv.headers).toMatchObject({
    "content-type": "text/csv; charset=utf-8",
    "content-disposition": `attachment; filename="${study}.csv"`,
  });
  const [header, ...rows] = csv.body.trimEnd().split("\r\n");
  expect(header).toBe(
    "number,state,attempt,params.kind,params.lr,values.accuracy,feasible,algorithm,why,worker,reason,created,finished",
  );
  expect(rows).toHaveLength(3);
  expect(rows[0]).toContain('0,completed,0,"a,""b""",0.1,0.30000000000000004,true,import,');
  expect(rows[1]).toContain("1,completed,0,null,5e-324,1e+300,true,import,");
});

test("a report and a heartbeat extend the lease, and the curve is read back", async () => {
  const { study } = await create();
  await call("POST", `${base}/${study}/ask`, { caller: editor, body: { worker: "w1" } });
  const trial = `${base}/${study}/trials/0`;
  const body = { attempt: 1, step: 3, values: { accuracy: 0.91 }, checkpoint: "s3://bucket/3" };
  const report = await call("POST", `${trial}/report`, { caller: editor, body });
  expect(report).toMatchObject({ status: 200, body: { decision: "continue" } });
  expect((await call("POST", `${trial}/heartbeat`, { caller: editor, body: { attempt: 1 } })).status).toBe(
    200,
  );
  const shown = await call("GET", trial, { caller: editor });
  expect(shown.body).toMatchObject({
    worker: "w1",
    checkpoint: "s3://bucket/3",
    reports: [{ attempt: 1, step: 3, values: { accuracy: 0.91 } }],
  });
});

test("a batch study is started and stopped, and cannot be asked", async () => {
  const { study } = await create({ executor: batchExecution, budget: { trials: 4, parallel: 2 } });
  const post = (path: string, body?: object) =>
    call<Study>("POST", `${base}/${study}${path}`, { caller: editor, ...(body && { body }) });
  expect((await post("/ask")).body).toMatchObject({ status: 409, type: "wrong-executor" });
  expect((await post("/start")).body).toMatchObject({ started: true });
  expect((await post("/start")).body).toMatchObject({ started: true });
  expect((await post("/stop", { drain: true })).body).toMatchObject({ started: false });
});

test("a batch study is ready until it is started and after it was stopped, and says so through pause and resume", async () => {
  const { study, state } = await create({ executor: batchExecution, budget: { trials: 4, parallel: 2 } });
  const path = `${base}/${study}`;
  const shown = async () => (await call<Study>("GET", path, { caller: editor })).body.state;
  /** The state that the answer to a write has, and the study afterwards. */
  const after = async (method: string, url: string, body?: object) => {
    const reply = await call<Study>(method, url, { caller: editor, ...(body && { body }) });
    expect([reply.status, reply.body.state]).toEqual([200, await shown()]);
    return reply.body.state;
  };
  expect([state, await shown()]).toEqual(["ready", "ready"]);
  expect(await after("PATCH", path, { state: "paused" })).toBe("paused");
  expect(await after("PATCH", path, { state: "running" })).toBe("ready");
  expect(await after("POST", `${path}/start`)).toBe("running");
  expect(await after("PATCH", path, { state: "paused" })).toBe("paused");
  expect(await after("PATCH", path, { state: "running" })).toBe("running");
  expect(await after("POST", `${path}/stop`, { drain: true })).toBe("ready");
  expect(await after("POST", `${path}/start`)).toBe("running");
  expect(await after("POST", `${path}/stop`)).toBe("ready");
});
