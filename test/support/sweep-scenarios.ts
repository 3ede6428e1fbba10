import { expect } from "vitest";
import { createSweeper } from "../../functions/sweep/index.ts";
import type { SweepMessage } from "../../shared/schemas/message.ts";
import type { CreateStudyBody, Study, StudyPage } from "../../shared/schemas/study.ts";
import type { Firing, FiringPage, Sweep, SweepPage } from "../../shared/schemas/sweep.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import { sweepNoteKey } from "../../shared/store/keys.ts";
import { actionsOn, batchExecution } from "./batch.ts";
import { callerAs } from "./callers.ts";
import { type Act, type CrashWorld, itemsOf, type Scenario } from "./crash-points.ts";
import { client, lasting, read, request, type SweepRoute, settleDown, write } from "./crash-scenarios.ts";
import { gateway } from "./gateway.ts";
import { moneyFaults } from "./money-soundness.ts";
import { studyBody, TEAM } from "./service.ts";

/** Sweeps: the writes of the API, and what the sweep Lambda is sent. */

const body = (change: object = {}) => ({
  name: "nightly",
  schedule: { rate: { days: 1 } },
  template: studyBody({ name: "fired", budget: { trials: 1, parallel: 1 } }),
  ...change,
});
const inBatch = studyBody({ name: "fired", executor: batchExecution, budget: { trials: 2, parallel: 1 } });

const makeSweep = (world: CrashWorld, change: object = {}) =>
  write<Sweep>(world, "POST", "/sweeps", body(change));
const firingsOf = async (world: CrashWorld, sweep: string): Promise<readonly Firing[]> =>
  (await read<FiringPage>(world, `/sweeps/${sweep}/firings`)).firings;
const firedStudies = async (world: CrashWorld): Promise<readonly string[]> =>
  (await read<StudyPage>(world, "/studies")).studies
    .filter(({ name }) => name === "fired")
    .map(({ study }) => study);

/** A client runs the only trial of a study. */
const finish = async (world: CrashWorld, study: string): Promise<void> => {
  await write(world, "POST", `/studies/${study}/ask`, {});
  await write(world, "POST", `/studies/${study}/trials/0/tell`, { attempt: 1, values: { accuracy: 0.5 } });
};

const act = (messages: readonly SweepMessage[]) => async (deps: ApiDeps) => {
  const context = { getRemainingTimeInMillis: () => 600_000 };
  for (const message of messages) await createSweeper(() => deps)(message, context);
};

/** What its own schedule sends. */
const ATTEND: SweepMessage = { version: 1, attend: "all" };

/** A message of the sweep Lambda as an act; what must have come of it however often it came. */
export interface SweepStep {
  readonly run: (deps: ApiDeps) => Promise<unknown>;
  readonly check: () => Promise<void>;
}

/** What a schedule sends, one after the other, with a minute between. */
const fire = async (world: CrashWorld, sweep: string, times = 1): Promise<void> => {
  for (let i = 0; i < times; i++) {
    world.clock.now += 60_000;
    const again = await world.sweep([world.schedules.message(sweep, world.clock.now)]);
    expect(again).toEqual([]);
  }
};

const due = (world: CrashWorld, sweep: string): SweepMessage => {
  world.clock.now += 60_000;
  return world.schedules.message(sweep, world.clock.now);
};

/** Nothing is left to do of any sweep. */
const expectSettled = async (world: CrashWorld, sweep: string): Promise<void> => {
  await settleDown(world);
  expect(await world.deps.store.get(sweepNoteKey(sweep))).toBeNull();
};

/** No job of a study is left, and it is not started. */
const expectHalted = async (world: CrashWorld, study: string): Promise<void> => {
  expect(await read<Study>(world, `/studies/${study}`)).toMatchObject({ state: "paused", started: false });
  const alive = world.batch.alive().filter(({ environment }) => environment.HONE_STUDY === study);
  expect(alive).toEqual([]);
  const all = await Promise.all((await firedStudies(world)).map((id) => loadStudy(world.deps, TEAM, id)));
  expect(await moneyFaults(world.process(), TEAM, all)).toEqual([]);
};

/** A sweep whose last firing's batch study has a job that runs. */
const running = async (world: CrashWorld, change: object = {}) => {
  const { sweep } = await makeSweep(world, { template: inBatch, ...change });
  await fire(world, sweep);
  const [first = ""] = await firedStudies(world);
  const study = await loadStudy(world.deps, TEAM, first);
  const actions = actionsOn(world.deps, study, world.queue, world.batch);
  await actions.deliver();
  const [job] = world.batch.alive();
  if (job === undefined) throw new Error("The study of the firing has no job.");
  world.batch.run(job);
  await actions.claim(0);
  return { sweep, first };
};

export const sweepRoutes: Readonly<Record<SweepRoute, Readonly<Record<string, Scenario>>>> = {
  createSweep: {
    "a sweep": {
      prepare: async (world) =>
        request({
          method: "POST",
          path: "/sweeps",
          body: body(),
          check: async ({ answer, key, tries }) => {
            const { sweeps } = await read<SweepPage>(world, "/sweeps");
            expect(sweeps.length).toBeLessThanOrEqual(key === null ? tries : 1);
            const { sweep } = answer.body as Sweep;
            expect(sweeps.map((each) => each.sweep)).toContain(sweep);
            await expectSettled(world, sweep);
            expect([...world.schedules.all.keys()].sort()).toEqual(sweeps.map((each) => each.sweep).sort());
            expect(world.schedules.all.get(sweep)).toMatchObject({
              expression: "rate(1 day)",
              enabled: true,
              revision: 1,
            });
          },
        }),
    },
  },

  patchSweep: {
    "pausing it with another schedule": {
      prepare: async (world) => {
        const { sweep } = await makeSweep(world);
        return request({
          method: "PATCH",
          path: `/sweeps/${sweep}`,
          body: { state: "paused", schedule: { cron: "0 3 * * ? *", timezone: "Europe/Berlin" } },
          check: async () => {
            expect(await read<Sweep>(world, `/sweeps/${sweep}`)).toMatchObject({
              state: "paused",
              next: null,
            });
            await expectSettled(world, sweep);
            const schedule = world.schedules.all.get(sweep);
            expect(schedule).toMatchObject({ expression: "cron(0 3 * * ? *)", enabled: false });
            // What an earlier schedule delivers late comes to nothing.
            const late: SweepMessage = { version: 1, sweep, revision: 1, scheduled: "2026-11-24T12:00:00Z" };
            await world.sweep([late]);
            expect(await firingsOf(world, sweep)).toEqual([]);
          },
        });
      },
    },
  },

  deleteSweep: {
    "a sweep that has fired": {
      prepare: async (world) => {
        // Every sweep of the team leaves its traces in the team's items; a first one makes those.
        const first = await makeSweep(world);
        await write(world, "DELETE", `/sweeps/${first.sweep}`);
        await settleDown(world);
        const { sweep } = await makeSweep(world);
        await fire(world, sweep, 3);
        const untouched = lasting(itemsOf(world)).filter((item) => !item.includes(`SWEEP#${sweep}`));
        return request({
          method: "DELETE",
          path: `/sweeps/${sweep}`,
          repeatRefused: "not-found",
          check: async () => {
            const reply = await gateway(world.process())("GET", `/v1/teams/${TEAM}/sweeps/${sweep}`, {
              caller: callerAs("owner"),
            });
            expect(reply.status).toBe(404);
            const late: SweepMessage = { version: 1, sweep, revision: 1, scheduled: "2026-11-24T12:00:00Z" };
            await world.sweep([late]);
            await settleDown(world);
            expect([...world.schedules.all]).toEqual([]);
            const left = lasting(itemsOf(world)).filter((item) => item.includes(sweep));
            // The study that it created stays, and says where it came from.
            expect(left.filter((item) => !item.includes(`${sweep}-2026`))).toEqual([]);
            expect(untouched.length).toBeGreaterThan(lasting(itemsOf(world)).length - 2);
          },
        });
      },
    },
  },

  runSweep: {
    "a paused sweep": {
      prepare: async (world) => {
        const { sweep } = await makeSweep(world, { state: "paused" });
        return request({
          method: "POST",
          path: `/sweeps/${sweep}/run`,
          check: async ({ answer, key, tries }) => {
            const firings = await firingsOf(world, sweep);
            expect(firings.length).toBeLessThanOrEqual(key === null ? tries : 1);
            // The first try made the study; those that follow it find it running.
            expect(firings.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
            expect(await firedStudies(world)).toHaveLength(1);
            const { firing, manual } = answer.body as Firing;
            expect([firings.some((each) => each.firing === firing), manual]).toEqual([true, true]);
            await expectSettled(world, sweep);
          },
        });
      },
    },
    "a sweep whose batch study is replaced": {
      study: client,
      prepare: async (world) => {
        const { sweep, first } = await running(world, { overlap: "replace" });
        return request({
          method: "POST",
          path: `/sweeps/${sweep}/run`,
          check: async () => {
            await expectSettled(world, sweep);
            await expectHalted(world, first);
            const [last] = await firingsOf(world, sweep);
            expect(last).toMatchObject({ outcome: "replaced", manual: true });
            expect(await read<Study>(world, `/studies/${last?.study}`)).toMatchObject({ started: true });
          },
        });
      },
    },
  },
};

/** @param as makes an act of a step. */
export const sweepSteps = (as: (step: SweepStep) => Act): Readonly<Record<string, Scenario>> => ({
  "a firing": {
    prepare: async (world) => {
      const { sweep } = await makeSweep(world);
      const message = due(world, sweep);
      return as({
        run: act([message, message]),
        check: async () => {
          expect(await firingsOf(world, sweep)).toMatchObject([{ outcome: "created", manual: false }]);
          expect(await firedStudies(world)).toHaveLength(1);
          await expectSettled(world, sweep);
        },
      });
    },
  },
  "a firing of a batch study": {
    prepare: async (world) => {
      const { sweep } = await makeSweep(world, { template: inBatch });
      return as({
        run: act([due(world, sweep)]),
        check: async () => {
          await expectSettled(world, sweep);
          const [study = "", ...others] = await firedStudies(world);
          expect(others).toEqual([]);
          expect(await read<Study>(world, `/studies/${study}`)).toMatchObject({ started: true, sweep });
          expect([...world.batch.definitions]).toHaveLength(1);
        },
      });
    },
  },
  "a firing that replaces a batch study": {
    study: client,
    prepare: async (world) => {
      const { sweep, first } = await running(world, { overlap: "replace" });
      return as({
        run: act([due(world, sweep)]),
        check: async () => {
          await expectSettled(world, sweep);
          expect(await firingsOf(world, sweep)).toMatchObject([{ outcome: "replaced" }, { study: first }]);
          await expectHalted(world, first);
          expect(await firedStudies(world)).toHaveLength(2);
        },
      });
    },
  },
  "a firing that was refused": {
    prepare: async (world) => {
      const earlier = await write<Study>(world, "POST", "/studies", studyBody({ name: "earlier" }));
      const template: CreateStudyBody = {
        ...body().template,
        algorithm: { name: "tpe" },
        warmStart: { studies: [{ study: earlier.study }] },
      };
      const { sweep } = await makeSweep(world, { template });
      await write(world, "DELETE", `/studies/${earlier.study}`);
      return as({
        run: act([due(world, sweep)]),
        check: async () => {
          const [firing] = await firingsOf(world, sweep);
          expect(firing).toMatchObject({ outcome: "failed", study: null });
          expect(firing?.reason).toContain(earlier.study);
          expect(await firedStudies(world)).toEqual([]);
        },
      });
    },
  },
  "a firing that waited": {
    prepare: async (world) => {
      const { sweep } = await makeSweep(world, { overlap: "queue" });
      await fire(world, sweep, 2);
      const [first = ""] = await firedStudies(world);
      await finish(world, first);
      return as({
        run: act([ATTEND]),
        check: async () => {
          expect(await firingsOf(world, sweep)).toMatchObject([{ outcome: "created" }, { study: first }]);
          expect(await firedStudies(world)).toHaveLength(2);
          await expectSettled(world, sweep);
        },
      });
    },
  },
  "a firing with which an earlier study is no longer kept": {
    prepare: async (world) => {
      const { sweep } = await makeSweep(world, { keep: 1 });
      await fire(world, sweep);
      const [first = ""] = await firedStudies(world);
      await finish(world, first);
      return as({
        run: act([due(world, sweep)]),
        check: async () => {
          await expectSettled(world, sweep);
          expect(await firingsOf(world, sweep)).toMatchObject([
            { outcome: "created", state: "running" },
            { study: first, state: "deleted", trials: { completed: 1 }, best: { values: { accuracy: 0.5 } } },
          ]);
          expect(await firedStudies(world)).not.toContain(first);
        },
      });
    },
  },
  "the schedule that a request did not come to make, and the firing that was missed": {
    prepare: async (world) => {
      world.schedules.fault = new Error("EventBridge Scheduler is away");
      const at = new Date(world.clock.now + 30_000).toISOString().replace(".000Z", "Z");
      const { sweep } = await makeSweep(world, { schedule: { at } });
      const { sweep: other } = await makeSweep(world);
      expect([...world.schedules.all]).toEqual([]);
      world.schedules.fault = null;
      world.clock.now += 40_000;
      return as({
        run: act([ATTEND, ATTEND]),
        check: async () => {
          expect([...world.schedules.all.keys()]).toEqual([other]);
          const [firing, ...others] = await firingsOf(world, sweep);
          expect(others).toEqual([]);
          expect(firing).toMatchObject({ outcome: "created", manual: false });
          expect(Date.parse(firing?.firing ?? "")).toBe(Date.parse(at));
          expect(await read<Sweep>(world, `/sweeps/${sweep}`)).toMatchObject({ state: "ended", next: null });
          await expectSettled(world, other);
        },
      });
    },
  },
  "what is left of a deleted sweep": {
    prepare: async (world) => {
      const { sweep } = await makeSweep(world);
      await fire(world, sweep, 3);
      await write(world, "DELETE", `/sweeps/${sweep}`);
      world.clock.now += 61_000;
      return as({
        run: act([ATTEND]),
        check: async () => {
          const left = lasting(itemsOf(world)).filter((item) => item.includes(`SWEEP#${sweep}`));
          expect(left).toEqual([]);
          expect([...world.schedules.all]).toEqual([]);
        },
      });
    },
  },
});
