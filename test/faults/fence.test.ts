import { describe, expect, test } from "vitest";
import { claimTrial } from "../../shared/service/batch/claim.ts";
import type { ServiceDeps, WriteContext } from "../../shared/service/core/deps.ts";
import { reconcile } from "../../shared/service/repair/reconcile.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { readTrial } from "../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { batchExecution, memoryWorld } from "../support/batch.ts";
import { before, TRANSACT, UPDATE } from "../support/interleave.ts";
import { keyed, noReceipt } from "../support/service.ts";

/**
 * What happens between the read of a use case and its write. The attempt fences: who no longer owns a trial when it writes
 * changes nothing, however fresh its trial looked when it was read; and who owns one again keeps it.
 */
const OVER = 61_000;
const CHECKPOINT = "s3://bucket/mine";

const clientWorld = (maxAttempts: number) =>
  memoryWorld({
    executor: { type: "client" },
    budget: { trials: 4, parallel: 1 },
    lease: { seconds: 60, maxAttempts },
  });

type Write = (deps: ServiceDeps, study: LoadedStudy, write: WriteContext) => Promise<unknown>;

const writes: readonly { readonly name: string; readonly write: Write }[] = [
  {
    name: "tell",
    write: (deps, study, write) => tellTrial(deps, study, 0, { attempt: 1, values: { accuracy: 1 } }, write),
  },
  {
    name: "told failure",
    write: (deps, study, write) =>
      tellTrial(deps, study, 0, { attempt: 1, failed: { reason: "oom" } }, write),
  },
  {
    name: "report",
    write: (deps, study, write) =>
      reportTrial(
        deps,
        study,
        0,
        { attempt: 1, step: 1, values: { accuracy: 1 }, checkpoint: CHECKPOINT },
        write,
      ),
  },
  {
    name: "heartbeat",
    write: (deps, study, write) =>
      heartbeatTrial(deps, study, 0, { attempt: 1, checkpoint: CHECKPOINT }, write),
  },
];
const ways = [
  { how: "without a key", write: noReceipt },
  { how: "with a key", write: keyed("key-1") },
];
const stale = writes.flatMap(({ name, write }) =>
  ways.map(({ how, write: context }) => ({ name, how, write, context })),
);

test.each(stale)(
  "a $name $how, whose trial another worker takes between its read and its write, is stale and changes nothing",
  async ({ write, context }) => {
    const world = await clientWorld(3);
    const { deps, study, client, clock } = world;
    await askTrials(deps, study, { worker: "w1" }, noReceipt);
    clock.now += OVER;
    let taken: unknown;
    const command = context === noReceipt ? UPDATE : TRANSACT;
    before(client, command, async () => {
      taken = await askTrials(world.process(), study, { worker: "w2" }, noReceipt);
    });
    await expect(write(deps, study, context)).rejects.toMatchObject({ type: "stale-attempt" });
    expect(taken).toMatchObject({ trials: [{ number: 0, attempt: 2 }] });
    expect(await readTrial(deps, study, 0)).toMatchObject({
      state: "running",
      attempt: 2,
      worker: "w2",
      values: null,
      checkpoint: null,
      reports: [],
    });
    // The new owner's lease is its own.
    expect((await world.trial(0)).leaseExpires).toBe(clock.now + 60_000);
  },
);

describe.each([
  { which: "with attempts left", maxAttempts: 3 },
  { which: "on its last attempt", maxAttempts: 1 },
])(
  "an expired trial $which, whose worker gives a sign of life between read and write,",
  ({ maxAttempts }) => {
    const enders = [
      {
        who: "an ask",
        end: (deps: ServiceDeps, study: LoadedStudy) => askTrials(deps, study, { worker: "w2" }, noReceipt),
      },
      {
        who: "an ask with a key",
        end: (deps: ServiceDeps, study: LoadedStudy) => askTrials(deps, study, {}, keyed("k")),
      },
      { who: "a read of the study", end: readStudy },
    ];
    test.each(enders)("stays its worker's: $who", async ({ who, end }) => {
      const world = await clientWorld(maxAttempts);
      const { deps, study, client, clock } = world;
      await askTrials(deps, study, { worker: "w1" }, noReceipt);
      clock.now += OVER;
      let beats = 0;
      const isRead = who === "a read of the study";
      before(client, isRead ? UPDATE : TRANSACT, async () => {
        beats++;
        await heartbeatTrial(world.process(), study, 0, { attempt: 1 }, noReceipt);
      });
      await end(world.process(), study);
      // With attempts left a read has nothing to end: then the beat comes before it refreshes what the list of studies shows.
      expect(beats).toBe(1);
      expect(await world.trial(0)).toMatchObject({
        state: "running",
        attempt: 1,
        worker: "w1",
        attempts: [],
      });
      await tellTrial(deps, study, 0, { attempt: 1, values: { accuracy: 1 } }, noReceipt);
      expect(await world.trial(0)).toMatchObject({ state: "completed", values: { accuracy: 1 } });
    });
  },
);

test.each([3, 1])(
  "a container of %i attempts that beats while the reconciler gives it up keeps its trial and its job",
  async (maxAttempts) => {
    const world = await memoryWorld({
      executor: batchExecution,
      budget: { trials: 1, parallel: 1 },
      lease: { seconds: 60, maxAttempts },
    });
    await world.launch();
    world.clock.now += OVER;
    let beats = 0;
    before(world.client, TRANSACT, async () => {
      beats++;
      await heartbeatTrial(world.process(), world.study, 0, { attempt: 1 }, noReceipt);
    });
    await reconcile(world.process(), world.clock.now + 60_000);
    expect(beats).toBe(1);
    expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 1, attempts: [] });
    expect(world.batch.alive()).toHaveLength(1);
    expect((await world.snapshot()).head.gpuSeconds).toBe(0);
  },
);

test("of two containers that claim an attempt at once, under one job id, one has it", async () => {
  const world = await memoryWorld({ executor: batchExecution, budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  const { jobId } = world.batch.run(world.batch.of(0));
  const claim = (claimant: string, id = jobId) =>
    claimTrial(world.process(), world.study, 0, { attempt: 1, jobId: id, claimant });
  before(world.client, UPDATE, () => claim("claimant-that-is-first"));
  await expect(claim("claimant-that-is-second")).rejects.toMatchObject({ type: "claim-lost" });
  await expect(claim("claimant-that-is-third")).rejects.toMatchObject({ type: "claim-lost" });
  await expect(claim("claimant-that-is-first", "job-of-another")).rejects.toMatchObject({
    type: "claim-lost",
  });
  expect(await claim("claimant-that-is-first")).toMatchObject({ number: 0, attempt: 1 });
  expect((await world.trial(0)).job).toMatchObject({ claimant: "claimant-that-is-first", phase: "claimed" });
});
