import { expect, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { Firing, FiringPage, Sweep, SweepPage } from "../../shared/schemas/sweep.ts";
import { deployed, scheduleOf } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** Sweeps of the deployed stack, over HTTP: fired for real by the emulator's scheduler, and by hand. */

const { call, read, finished, stack } = deployed();

/** A batch study whose trials run this program. */
const template = (change: object = {}) => ({
  name: "fired",
  space: { x: { type: "float", low: -5, high: 5 } },
  objectives: [{ metric: "loss", direction: "minimize" }],
  algorithm: { name: "tpe", seed: 3 },
  budget: { trials: 2, parallel: 2 },
  executor: {
    type: "batch",
    image: "python:3.13-slim",
    command: [...stack.runner, "exec", "--", "python3", "-c", 'print("{\\"loss\\": 1}")'],
    vcpus: 0.25,
    memoryMiB: 256,
    timeoutSeconds: 60,
  },
  ...change,
});

const create = async (body: object): Promise<Sweep> => {
  const reply = await call<Sweep>("POST", "/sweeps", { name: "nightly", template: template(), ...body });
  if (reply.status !== 201) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`);
  return reply.body;
};
const show = async (sweep: string) => (await call<Sweep>("GET", `/sweeps/${sweep}`)).body;
const firings = async (sweep: string) =>
  (await call<FiringPage>("GET", `/sweeps/${sweep}/firings`)).body.firings;

/** In seconds, without fractions. */
const soon = (seconds: number): string =>
  new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+/, "");

test("a sweep is fired by the scheduler: its study is created, started and finishes", async () => {
  const at = soon(8);
  const { sweep, state, next } = await create({ schedule: { at } });
  expect([state, Date.parse(next ?? "")]).toEqual(["active", Date.parse(at)]);
  expect(await scheduleOf(sweep)).toMatchObject({ State: "ENABLED", ScheduleExpression: expect.any(String) });

  const [firing] = await until(
    () => firings(sweep),
    (all) => all.length > 0,
    60,
  );
  expect(firing).toMatchObject({ outcome: "created", manual: false, reason: null });
  expect(Date.parse(firing?.firing ?? "")).toBe(Date.parse(at));
  const study = await finished(firing?.study ?? "");
  expect(study).toMatchObject({ sweep, firing: firing?.firing, trials: { completed: 2 } });
  expect(await firings(sweep)).toMatchObject([
    { state: "finished", trials: { completed: 2 }, best: { values: { loss: 1 } } },
  ]);
  expect(await show(sweep)).toMatchObject({ state: "ended", next: null, firings: { count: 1 } });
});

test("a sweep is run by hand, begins with what it found before, and keeps as many studies as it is to", async () => {
  const schedule = { cron: "0 3 * * ? *", timezone: "Europe/Berlin" };
  const { sweep } = await create({ schedule, warmStart: { last: 1 }, keep: 1, state: "paused" });
  expect(await scheduleOf(sweep)).toMatchObject({
    State: "DISABLED",
    ScheduleExpression: "cron(0 3 * * ? *)",
    ScheduleExpressionTimezone: "Europe/Berlin",
  });
  const run = async () => (await call<Firing>("POST", `/sweeps/${sweep}/run`)).body;
  const first = await run();
  expect(first).toMatchObject({ outcome: "created", manual: true });
  expect(await run()).toMatchObject({
    outcome: "skipped",
    reason: expect.stringContaining(first.study ?? "-"),
  });
  await finished(first.study ?? "");

  const second = await run();
  const study = await read(second.study ?? "");
  expect(study.warmStart?.studies).toMatchObject([{ study: first.study, used: 2 }]);
  expect((await call<Study>("GET", `/studies/${first.study}`)).status).toBe(404);
  expect(await firings(sweep)).toMatchObject([
    { study: second.study },
    { outcome: "skipped" },
    { study: first.study, state: "deleted", trials: { completed: 2 }, best: { values: { loss: 1 } } },
  ]);
  await finished(second.study ?? "");
});

test("a sweep is resumed, changed, listed and deleted", async () => {
  const { sweep } = await create({ schedule: { rate: { hours: 6 } }, state: "paused" });
  const resumed = await call<Sweep>("PATCH", `/sweeps/${sweep}`, {
    state: "active",
    schedule: { rate: { days: 2 } },
  });
  expect([resumed.status, resumed.body.state]).toEqual([200, "active"]);
  expect(await scheduleOf(sweep)).toMatchObject({ State: "ENABLED", ScheduleExpression: "rate(2 days)" });
  const { sweeps } = (await call<SweepPage>("GET", "/sweeps")).body;
  expect(sweeps[0]).toMatchObject({ sweep, state: "active", next: expect.any(String) });

  expect((await call("DELETE", `/sweeps/${sweep}`)).status).toBe(204);
  expect(await scheduleOf(sweep)).toBeNull();
  expect((await call("GET", `/sweeps/${sweep}`)).status).toBe(404);
  expect((await call("POST", `/sweeps/${sweep}/run`)).status).toBe(404);
});
