import { expect } from "vitest";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { AskReply, LeasedTrial } from "../../shared/schemas/trial.ts";
import type { CrashWorld, Scenario } from "./crash-points.ts";
import {
  client,
  keptAsTold,
  lease,
  OVER,
  readTrial,
  readTrials,
  refusedAsStale,
  request,
  studyPath,
  twice,
  upload,
  type WriteRoute,
  write,
} from "./crash-scenarios.ts";

/** Acts of clients in studies whose trials are segments of longer runs. */

const population: Partial<CreateStudyBody> = {
  ...client,
  ...twice,
  algorithm: { name: "pbt", population: 2, seed: 1 },
  scheduler: { resource: { name: "epoch", min: 1, max: 3 } },
};

/** Ends a segment, with the checkpoint of its end. @returns what it was uploaded to. */
const end = async (world: CrashWorld, number: number) => {
  const saved = await upload(world, number);
  const body = { attempt: 1, values: { accuracy: number / 10 }, checkpoint: saved.checkpoint };
  await write(world, "POST", studyPath(world, `/trials/${number}/tell`), body);
  return saved;
};

/** Both first segments have ended. */
const firstGeneration = async (world: CrashWorld): Promise<void> => {
  await lease(world, { worker: "w0", count: 2 });
  for (const number of [0, 1]) await end(world, number);
};

/** A segment goes on from a committed checkpoint of a parent, which the reconciler keeps as long as it runs. */
const expectContinued = async (world: CrashWorld, segment: LeasedTrial | undefined): Promise<void> => {
  expect(segment).toMatchObject({ number: 2, resumesAt: 1, resource: 2, parent: expect.any(Number) });
  const parent = await readTrial(world, segment?.parent ?? -1);
  expect(parent).toMatchObject({ state: "completed", resource: 1, checkpoint: segment?.checkpoint });
  await world.reconcile();
  const { download } = await write<{ download: { url: string } }>(
    world,
    "POST",
    studyPath(world, "/trials/2/checkpoint"),
    { attempt: segment?.attempt },
  );
  expect(world.checkpoints.has(download)).toBe(true);
};

/** An ask of a worker that gets trial 2. */
const continuing = (attempt: number) => (world: CrashWorld) =>
  request({
    method: "POST",
    path: studyPath(world, "/ask"),
    body: { worker: "w1" },
    check: async ({ answer }) => {
      const [segment] = (answer.body as AskReply).trials;
      expect(segment?.attempt).toBe(attempt);
      await keptAsTold(world, 2, { state: "running", attempt, worker: "w1", parent: segment?.parent });
      if (attempt > 1) await refusedAsStale(world, 2, attempt - 1);
      expect(await readTrials(world)).toHaveLength(3);
      await expectContinued(world, segment);
    },
  });

export const segmentScenarios: Partial<Record<WriteRoute, Readonly<Record<string, Scenario>>>> = {
  ask: {
    "a segment that goes on from a parent": {
      study: population,
      prepare: async (world) => {
        await firstGeneration(world);
        return continuing(1)(world);
      },
    },
    "a segment that was lost, which begins from its parent again": {
      study: population,
      prepare: async (world) => {
        await firstGeneration(world);
        await lease(world, { worker: "gone" });
        world.clock.now += OVER;
        await world.reconcile();
        return continuing(2)(world);
      },
    },
  },

  tell: {
    "a segment's result with its checkpoint, from which another goes on": {
      study: population,
      prepare: async (world) => {
        await lease(world, { worker: "w0", count: 2 });
        await end(world, 0);
        const saved = await upload(world, 1);
        const { checkpoint } = saved;
        return request({
          method: "POST",
          path: studyPath(world, "/trials/1/tell"),
          body: { attempt: 1, values: { accuracy: 0.1 }, checkpoint },
          check: async () => {
            await keptAsTold(world, 1, { state: "completed", values: { accuracy: 0.1 }, checkpoint });
            await world.reconcile();
            expect(world.checkpoints.has(saved)).toBe(true);
            const [segment] = await lease(world, { worker: "w1" });
            await expectContinued(world, segment);
          },
        });
      },
    },
    "a segment's failure, in whose place its run goes on from another": {
      study: population,
      prepare: async (world) => {
        await firstGeneration(world);
        const [lost] = await lease(world, { worker: "w1" });
        return request({
          method: "POST",
          path: studyPath(world, `/trials/${lost?.number}/tell`),
          body: { attempt: 1, failed: { reason: "diverged" } },
          check: async () => {
            await keptAsTold(world, 2, { state: "failed", reason: "diverged", checkpoint: null });
            await world.reconcile();
            for (const { checkpoint, parent } of await lease(world, { worker: "w2", count: 2 })) {
              expect(checkpoint).toBe((await readTrial(world, parent ?? -1)).checkpoint);
            }
          },
        });
      },
    },
  },
};
