import { beforeEach, expect, test } from "vitest";
import type { TeamBudget } from "../../../shared/schemas/budget.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import type { ApiDeps } from "../../../shared/service/core/deps.ts";
import { reserve, settle } from "../../../shared/store/spend.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { noReceipt, studyBody, TEAM, testDeps } from "../../support/service.ts";

const path = `/v1/teams/${TEAM}/budget`;
const clock = { now: Date.parse("2026-11-30T23:00:00Z") };
let deps: ApiDeps;
let call: Gateway;
let tokens: Record<"owner" | "editor" | "viewer" | "worker", string>;

beforeEach(async () => {
  const { client, tableName } = createMemoryTable();
  deps = testDeps(client, tableName, clock);
  call = gateway(deps);
  await createTeam(deps, TEAM);
  const made = async (role: keyof typeof tokens) =>
    (await createToken(deps, TEAM, { name: role, role }, "admin", noReceipt)).token;
  tokens = {
    owner: await made("owner"),
    editor: await made("editor"),
    viewer: await made("viewer"),
    worker: await made("worker"),
  };
});

const get = async (query = "", token = tokens.owner) =>
  (await call<TeamBudget>("GET", `${path}${query}`, { token })).body;

test("a team has no limits until an owner sets some; one that is not named stays, and null removes it", async () => {
  expect(await get()).toEqual({
    month: "2026-11",
    limits: {},
    spent: { trials: 0, gpuHours: 0, vcpuHours: 0, dollars: 0 },
    reserved: { gpuHours: 0, dollars: 0 },
  });
  const set = (body: object) => call<TeamBudget>("PATCH", path, { token: tokens.owner, body });
  expect((await set({ trials: 100, dollars: 12.5 })).body.limits).toEqual({ trials: 100, dollars: 12.5 });
  expect((await set({ gpuHours: 8, trials: null })).body.limits).toEqual({ gpuHours: 8, dollars: 12.5 });
  expect((await get()).limits).toEqual({ gpuHours: 8, dollars: 12.5 });
});

test("what was spent and is set aside is shown month by month", async () => {
  const each = { month: "2026-11", seconds: 7200, gpus: 2, vcpus: 8, micros: 4_000_000 };
  await deps.store.transact([reserve(TEAM, each, true, {})]);
  await deps.store.transact([settle(TEAM, each, 1800)]);
  await deps.store.transact([reserve(TEAM, each, true, {})]);
  const november = {
    month: "2026-11",
    spent: { trials: 2, gpuHours: 1, vcpuHours: 4, dollars: 1 },
    reserved: { gpuHours: 4, dollars: 4 },
  };
  expect(await get()).toMatchObject(november);
  clock.now += 3_600_000;
  expect(await get()).toMatchObject({ month: "2026-12", spent: { trials: 0, dollars: 0 } });
  expect(await get("?month=2026-11")).toMatchObject(november);
  clock.now -= 3_600_000;
});

test("viewers and editors read the budget, owners alone set it", async () => {
  for (const token of [tokens.viewer, tokens.editor]) {
    expect(await get("", token)).toMatchObject({ limits: {} });
    const { status } = await call("PATCH", path, { token, body: { trials: 1 } });
    expect(status).toBe(403);
  }
  expect((await call("GET", path, { token: tokens.worker })).status).toBe(403);
  expect((await get()).limits).toEqual({});
});

test.each([
  {},
  { trials: 0 },
  { trials: 1.5 },
  { dollars: -1 },
  { gpuHours: 1e12 },
  { dollars: "20" },
  { spent: 0 },
])("a budget of %j is refused", async (body) => {
  expect((await call("PATCH", path, { token: tokens.owner, body })).status).toBe(422);
});

test.each(["2026-13", "2026", "november", "2026-11-01"])("there is no month %s", async (month) => {
  expect((await call("GET", `${path}?month=${month}`, { token: tokens.owner })).status).toBe(422);
});

test("a study shows its labels and its market; labels that AWS would not take as tags are refused, naming the field", async () => {
  const create = (change: object) =>
    call<{ labels?: object; executor: object; detail: string; errors?: { pointer: string }[] }>(
      "POST",
      `/v1/teams/${TEAM}/studies`,
      { token: tokens.editor, body: { ...studyBody(), ...change } },
    );
  const labels = { project: "vision", "cost-center": "42 / research" };
  const executor = { type: "batch", image: "hone/x:1", command: ["train"], market: "on-demand" };
  const made = await create({ labels, executor });
  expect(made).toMatchObject({ status: 201, body: { labels, executor } });
  expect((await create({})).body).not.toHaveProperty("labels");
  const many = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`k${i}`, "v"]));
  for (const wrong of [
    { "hone:team": "x" },
    { "aws:x": "y" },
    { "AWS:x": "y" },
    { "a&b": "c" },
    { a: "b;c" },
    many,
  ]) {
    const { status, body } = await create({ labels: wrong });
    expect(status, JSON.stringify(wrong)).toBe(422);
    expect(body.errors?.[0]?.pointer).toMatch(/^\/labels/);
  }
});

test("a team that makes too many requests is told when to come back, and another goes on", async () => {
  const strict = gateway({ ...deps, teamRate: 1 });
  const read = () => strict("GET", path, { token: tokens.owner });
  for (let i = 0; i < 10; i++) expect((await read()).status).toBe(200);
  const refused = await read();
  expect(refused).toMatchObject({ status: 429, body: { type: "rate-limited", retry: true } });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  await createTeam(deps, "other");
  const { token } = await createToken(deps, "other", { name: "owner", role: "owner" }, "admin", noReceipt);
  expect((await strict("GET", "/v1/teams/other/budget", { token })).status).toBe(200);
  // Health says that the API is up, whoever asks.
  expect((await strict("GET", "/v1/healthz", { caller: null })).status).toBe(200);
});

test("what others ask of a team, or nobody known, does not count against its rate", async () => {
  const strict = gateway({ ...deps, teamRate: 1 });
  await createTeam(deps, "strangers");
  const stranger = await createToken(deps, "strangers", { name: "o", role: "owner" }, "admin", noReceipt);
  for (let i = 0; i < 30; i++) {
    expect((await strict("GET", path, { token: stranger.token })).status).toBe(404);
    expect((await strict("GET", path, { caller: null })).status).toBe(401);
  }
  expect((await strict("GET", path, { token: tokens.owner })).status).toBe(200);
});
