import { expect } from "vitest";
import type { SchedulerChoice } from "../../shared/scheduler/registry.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { AskReply, ReportReply } from "../../shared/schemas/trial.ts";
import { FOLD_AT } from "../../shared/service/core/fold.ts";
import type { CrashWorld, Scenario } from "./crash-points.ts";
import {
  client,
  deletion,
  keptAsTold,
  lease,
  OVER,
  readStudy,
  readTrial,
  readTrials,
  refusedAsStale,
  request,
  single,
  studyPath,
  type WriteRoute,
  write,
} from "./crash-scenarios.ts";
import { injectFaults } from "./faults.ts";
import { TRANSACT } from "./interleave.ts";

/** Acts of clients in studies whose scheduler stops, pauses and resumes trials. */

const epochs = { name: "epoch", min: 1, max: 9 };
const on = (scheduler: SchedulerChoice, change: Partial<CreateStudyBody> = {}): Partial<CreateStudyBody> => ({
  ...client,
  scheduler,
  budget: { trials: 12, parallel: 6 },
  ...change,
});
const stopping = on({ name: "asha", resource: epochs });
const promotion = on({ name: "asha", resource: epochs, type: "promotion" });

const report = (world: CrashWorld, number: number, accuracy: number, step = 1) =>
  write<ReportReply>(world, "POST", studyPath(world, `/trials/${number}/report`), {
    attempt: 1,
    step,
    values: { accuracy },
  });
const tell = (world: CrashWorld, number: number, accuracy: number, attempt = 1) =>
  write(world, "POST", studyPath(world, `/trials/${number}/tell`), { attempt, values: { accuracy } });

/** Four trials that run, of which the first three have come to the first rung. */
const threeReports = async (world: CrashWorld): Promise<void> => {
  await lease(world, { count: 4 });
  for (const number of [0, 1, 2]) await report(world, number, 0.5 + number / 10);
};

const reporting = (accuracy: number, check: (world: CrashWorld, reply: ReportReply) => Promise<void>) =>
  async function prepare(world: CrashWorld) {
    await threeReports(world);
    return request({
      method: "POST",
      path: studyPath(world, "/trials/3/report"),
      body: { attempt: 1, step: 1, values: { accuracy } },
      check: async ({ answer }) => {
        await check(world, answer.body as ReportReply);
        expect((await readTrial(world, 3)).reports).toMatchObject([
          { attempt: 1, step: 1, values: { accuracy } },
        ]);
      },
    });
  };

/** Paused trials, enough for an ask to fold them. */
const PAUSED = FOLD_AT + 24;
const long = on(
  { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
  { budget: { trials: PAUSED + 4, parallel: PAUSED + 4 } },
);

/** Made once: the worlds of a scenario are equal until its act begins. */
const filled = new Map<string, ReturnType<CrashWorld["table"]["items"]>>();

/** All but one of the trials wait at the first rung, in the tail: of the first one on, each is better than the next. */
const fillPaused = async (world: CrashWorld): Promise<void> => {
  const known = filled.get(world.study.id);
  if (known !== undefined) return world.table.restore(known);
  await lease(world, { count: PAUSED + 1 });
  for (let number = 0; number < PAUSED; number++) await tell(world, number, 1 - number / 1000);
  filled.set(world.study.id, world.table.items());
};

/** How the fold of the paused trials goes on after it is committed. */
const foldPaused = async (world: CrashWorld, isSwept: boolean): Promise<void> => {
  let transactions = 0;
  const restore = injectFaults(world.client, (command) => {
    if (command !== TRANSACT) return "none";
    transactions++;
    return isSwept || transactions <= 2 ? "none" : "crash-before";
  });
  await lease(world, { worker: "folds" });
  restore();
  const { head } = await world.snapshot();
  expect([head.segments, head.unswept]).toEqual([1, isSwept ? -1 : 0]);
};

/** An ask of a worker that gets the best of those that wait. */
const resuming = async (world: CrashWorld, number: number) =>
  request({
    method: "POST",
    path: studyPath(world, "/ask"),
    body: { worker: "w1" },
    check: async ({ answer }) => {
      expect((answer.body as AskReply).trials).toMatchObject([{ number, attempt: 2, resource: 3 }]);
      const before = (await readStudy(world)).trials;
      await keptAsTold(world, number, { state: "running", attempt: 2, worker: "w1" });
      await refusedAsStale(world, number, 1);
      // It ends once, and is counted once.
      await tell(world, number, 0.99, 2);
      const after = (await readStudy(world)).trials;
      expect(after.running).toBe(before.running - 1);
      expect(after.paused + after.completed).toBe(before.paused + before.completed + 1);
    },
  });

export const ladderScenarios: Partial<Record<WriteRoute, Readonly<Record<string, Scenario>>>> = {
  deleteStudy: {
    "a study with paused, stopped and lost trials": deletion(promotion, async (world) => {
      await threeReports(world);
      await lease(world, { worker: "w1" });
      const failed = { attempt: 1, failed: { reason: "out of memory" } };
      await write(world, "POST", studyPath(world, "/trials/3/tell"), failed);
      await write(world, "POST", studyPath(world, "/trials/2/tell"), { ...failed, attempt: 2 });
    }),
  },

  report: {
    "at a rung, that stops the trial": {
      study: stopping,
      prepare: reporting(0.1, async (world, reply) => {
        expect(reply).toMatchObject({ decision: "stop", reportAt: null });
        await keptAsTold(world, 3, {
          state: "pruned",
          values: { accuracy: 0.1 },
          decision: { decision: "stop", rung: 0, rank: 4, of: 4, goOn: 1 },
        });
      }),
    },
    "at a rung, that lets the trial go on": {
      study: stopping,
      prepare: reporting(0.9, async (world, reply) => {
        expect(reply.decision).toBe("continue");
        await keptAsTold(world, 3, { state: "running", decision: { rung: 0, rank: 1, of: 4 } });
      }),
    },
    "at a rung, that pauses the trial": {
      study: promotion,
      prepare: reporting(0.9, async (world, reply) => {
        expect(reply).toMatchObject({ decision: "pause", reportAt: null });
        await keptAsTold(world, 3, { state: "paused", values: { accuracy: 0.9 } });
        expect(await lease(world)).toMatchObject([{ number: 3, attempt: 2, resource: 3 }]);
      }),
    },
    "of the median rule, that stops the trial": {
      study: on({ name: "median", resource: epochs, startup: 3 }),
      prepare: reporting(0.1, async (world, reply) => {
        expect(reply.decision).toBe("stop");
        await keptAsTold(world, 3, { state: "pruned", values: { accuracy: 0.1 } });
      }),
    },
  },

  tell: {
    "a result at a rung, where the trial waits": {
      study: promotion,
      prepare: async (world) => {
        await threeReports(world);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/3/tell"),
          body: { attempt: 1, values: { accuracy: 0.9 } },
          check: async ({ answer }) => {
            expect(answer.body).toEqual({ number: 3, state: "paused" });
            expect(await lease(world)).toMatchObject([{ number: 3, attempt: 2, resource: 3 }]);
          },
        });
      },
    },
    "a failure after a promotion, which promotes the next": {
      study: promotion,
      prepare: async (world) => {
        await threeReports(world);
        await lease(world);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/2/tell"),
          body: { attempt: 2, failed: { reason: "out of memory" } },
          check: async () => {
            await keptAsTold(world, 2, { state: "failed", values: null });
            expect(await lease(world)).toMatchObject([{ number: 1, attempt: 2, resource: 3 }]);
          },
        });
      },
    },
    "a result at the top": {
      study: on(
        { name: "sha", resource: { name: "epoch", min: 1, max: 3 } },
        { budget: { trials: 3, parallel: 3 } },
      ),
      prepare: async (world) => {
        await lease(world, { count: 3 });
        for (const number of [0, 1, 2]) await tell(world, number, number / 10);
        await lease(world);
        return request({
          method: "POST",
          path: studyPath(world, "/trials/2/tell"),
          body: { attempt: 2, values: { accuracy: 0.9 } },
          check: async ({ answer }) => {
            expect(answer.body).toEqual({ number: 2, state: "completed" });
            expect(await lease(world)).toEqual([]);
            const study = await readStudy(world);
            expect(study).toMatchObject({
              state: "finished",
              trials: { completed: 1, pruned: 2, paused: 0 },
            });
          },
        });
      },
    },
  },

  ask: {
    "a paused trial": {
      study: promotion,
      prepare: async (world) => {
        await threeReports(world);
        return resuming(world, 2);
      },
    },
    "a paused trial in a segment": {
      study: long,
      prepare: async (world) => {
        await fillPaused(world);
        await foldPaused(world, true);
        return resuming(world, 1);
      },
    },
    "a paused trial in a segment that is not swept": {
      study: long,
      prepare: async (world) => {
        await fillPaused(world);
        await foldPaused(world, false);
        return resuming(world, 1);
      },
    },
    "while the tail of paused trials is long enough to be folded": {
      study: long,
      prepare: async (world) => {
        await fillPaused(world);
        return resuming(world, 0);
      },
    },
    "a paused trial, while others of its rung are lost": {
      study: { ...promotion, ...single },
      prepare: async (world) => {
        await lease(world, { worker: "dies", count: 2 });
        await lease(world, { count: 4 });
        for (const number of [2, 3, 4, 5]) await report(world, number, number / 10);
        world.clock.now += OVER;
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          body: { worker: "w1" },
          check: async ({ answer }) => {
            expect((answer.body as AskReply).trials).toMatchObject([{ number: 5, attempt: 2 }]);
            const states = (await readTrials(world)).map(({ state }) => state);
            expect(states).toEqual(["failed", "failed", "paused", "paused", "paused", "running"]);
          },
        });
      },
    },
    "at the end of a study, of which no paused trial goes on": {
      study: { ...promotion, budget: { trials: 3, parallel: 3 } },
      prepare: async (world) => {
        await lease(world, { count: 3 });
        for (const number of [0, 1, 2]) await report(world, number, number / 10);
        for (const attempt of [2, 3]) {
          await lease(world);
          await tell(world, 2, 0.9, attempt);
        }
        return request({
          method: "POST",
          path: studyPath(world, "/ask"),
          check: async ({ answer }) => {
            expect(answer.body).toMatchObject({ trials: [], state: "finished" });
            const study = await readStudy(world);
            expect(study).toMatchObject({
              state: "finished",
              trials: { completed: 1, pruned: 2, paused: 0 },
            });
          },
        });
      },
    },
  },
};
