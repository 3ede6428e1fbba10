import { expect, test } from "vitest";
import { alarmedEvents } from "../../../../shared/deployment.ts";
import type { CreateStudyBody } from "../../../../shared/schemas/study.ts";
import { dispatchMessages } from "../../../../shared/service/batch/dispatch.ts";
import { putBack } from "../../../../shared/service/batch/put-back.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { stopRounds, stopStudy } from "../../../../shared/service/batch/stop.ts";
import { openFold } from "../../../../shared/service/rounds/folds.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { listActiveBatches } from "../../../../shared/store/active-batch.ts";
import { switchDispatch } from "../../../../shared/store/dispatch-switch.ts";
import { changeHead, findHead } from "../../../../shared/store/head.ts";
import { readWait } from "../../../../shared/store/wait.ts";
import { type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { before, commandsOf, QUERY, TRANSACT } from "../../../support/interleave.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

/** Nested cross-validation that others stop, start, extend or delete while its machines run. */

const evaluation = {
  type: "nested-cv",
  samples: 60,
  outer: { folds: 2, kind: "plain" },
  inner: { folds: 2, together: true },
} as const;
const sha = { name: "sha", resource: { name: "epoch", min: 1, max: 3 }, eta: 3 } as const;
const at = (world: MemoryWorld, fold: number, generation = 1) => ({
  study: world.study.id,
  generation,
  fold,
});
const nestedWorld = async (change: Partial<CreateStudyBody> = {}) => {
  const world = await memoryWorld({ evaluation, budget: { trials: 3, parallel: 3 }, ...change });
  await world.start();
  return world;
};
const runJobs = async (world: MemoryWorld) => {
  await world.deliver();
  for (const job of world.batch.alive()) {
    const number = Number(job.environment.HONE_TRIAL);
    await world.finish(number, number / 100, Number(job.environment.HONE_ATTEMPT));
  }
};

test("a repeated start leaves the brackets of the folds alone", async () => {
  const world = await nestedWorld({ scheduler: sha });
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await world.start();
  const { part, generation } = await openFold(world.deps, at(world, 0, 2));
  world.rounds.executions.set(`${part}-${generation}`, "running");
  await startStudy(world.deps, world.study, noReceipt);
  expect(world.rounds.executions.get(`${part}-${generation}`)).toBe("running");
});

test("a refit that loses an attempt has the rest of its fold's money for another one", async () => {
  const world = await nestedWorld({ budget: { trials: 1, parallel: 1, gpuHours: 10 } });
  await openFold(world.deps, at(world, 0));
  await runJobs(world);
  await openFold(world.deps, at(world, 0));
  await world.deliver();
  const [job] = world.batch.alive();
  world.batch.run(job!);
  await world.claim(Number(job!.environment.HONE_TRIAL));
  world.clock.now += 600_000;
  await world.settle(world.batch.fail(job!, { statusReason: "Host EC2 (instance i-1) terminated." }));
  await world.deliver();
  expect(world.batch.alive()).toHaveLength(1);
});

test("a refit without money for another attempt waits until the study gets more", async () => {
  const world = await nestedWorld({ budget: { trials: 1, parallel: 1, gpuHours: 4 } });
  const run = async (seconds: number) => {
    await openFold(world.deps, at(world, 0));
    await world.deliver();
    const job = world.batch.alive()[0]!;
    const number = Number(job.environment.HONE_TRIAL);
    world.batch.run(job);
    await world.claim(number);
    world.clock.now += seconds * 1000;
    return { job, number };
  };
  const search = await run(3600);
  await world.tell(search.number, 0.5);
  world.batch.succeed(search.job);
  const refit = await run(600);
  await world.settle(world.batch.fail(refit.job, { statusReason: "Host EC2 (instance i-1) terminated." }));
  await world.deliver();
  await openFold(world.deps, at(world, 1));
  expect((await findHead(world.deps.store, `${world.study.id}.2`))?.state).toBe("paused");
  const more = { state: "running", budget: { gpuHours: 5 } } as const;
  await patchStudy(world.deps, world.study, more, noReceipt);
  world.clock.now += 120_000;
  await world.reconcile();
  await world.deliver();
  const jobs = world.batch
    .alive()
    .map(({ environment }) => [environment.HONE_TRIAL, environment.HONE_ATTEMPT]);
  expect(jobs).toContainEqual([String(refit.number), "2"]);
});

test("a refit whose job cannot be submitted waits until the study is resumed", async () => {
  const world = await nestedWorld({ budget: { trials: 1, parallel: 1 } });
  await openFold(world.deps, at(world, 0));
  await runJobs(world);
  await openFold(world.deps, at(world, 0));
  world.batch.faults = ["rejected"];
  await world.deliver();
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    state: "paused",
    message: expect.stringContaining("does not find the study's job definition"),
    nested: { folds: [{ state: "refit" }, { state: "search" }] },
  });
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  await runJobs(world);
  const { nested } = await readStudy(world.deps, world.study);
  expect(nested?.folds[0]).toMatchObject({ state: "completed" });
});

test("a refit whose image could not be pulled is tried again, as often as one that fails", async () => {
  const lease = { seconds: 60, maxAttempts: 2 };
  const world = await nestedWorld({ budget: { trials: 1, parallel: 1 }, lease });
  await openFold(world.deps, at(world, 0));
  await runJobs(world);
  const { part } = await openFold(world.deps, at(world, 0));
  world.rounds.waiting.add("refit");
  await world.deliver([{ version: 1, study: part, taskToken: "refit" }]);
  for (let attempt = 1; attempt <= 2; attempt++) {
    await world.deliver();
    const [job] = world.batch.alive();
    const reason = "CannotPullContainerError: pull image manifest has been retried";
    await world.settle(world.batch.fail(job!, { statusReason: "Task failed to start", reason }));
  }
  expect(world.rounds.waiting.size).toBe(0);
  expect(world.queue.messages).toEqual([]);
  const { nested } = await readStudy(world.deps, world.study);
  expect(nested?.folds[0]).toMatchObject({ state: "failed" });
});

test("a machine begins to wait while the kill switch is off", async () => {
  const world = await nestedWorld();
  const { part } = await openFold(world.deps, at(world, 0));
  await world.deps.store.transact([switchDispatch(false)]);
  expect(await world.deliver([{ version: 1, study: part, taskToken: "search" }])).toEqual([]);
  expect(await readWait(world.deps.store, part)).toMatchObject({ taskTokens: ["search"] });
});

test("a study of as many folds as there may be is started, paused, stopped, closed and deleted, each in one transaction", async () => {
  const outer = { folds: 40, kind: "plain" } as const;
  const budget = { trials: 1, parallel: 1 };
  const world = await memoryWorld({ evaluation: { ...evaluation, samples: 400, outer }, budget });
  const { deps, study } = world;
  await startStudy(deps, study, keyed("start", {}));
  await patchStudy(deps, study, { state: "paused" }, keyed("pause", {}));
  await patchStudy(deps, study, { state: "running" }, keyed("resume", {}));
  for (let fold = 0; fold < 40; fold++) await openFold(deps, at(world, fold));
  await stopStudy(deps, study, {}, keyed("stop", {}));
  await patchStudy(deps, study, { budget: { trials: 2, parallel: 2 } }, keyed("more", {}));
  expect((await readStudy(deps, study)).trials).toMatchObject({ queued: 40, running: 0 });
  await world.reconcile();
  expect(await listActiveBatches(deps.store)).toEqual([]);
  await deleteStudy(deps, study, keyed("delete", {}));
});

/** Before each transaction another process changes a part's head, as trials that end do. */
const keepBusy = (world: MemoryWorld, part: string) => {
  const { store } = world.process();
  world.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === TRANSACT) {
        const head = await findHead(store, part);
        if (head !== null) await store.update(changeHead(head, {}));
      }
      return next(args);
    },
    { step: "initialize", name: "busy" },
  );
};

test("a study whose parts change all the time can be stopped", async () => {
  const world = await nestedWorld();
  for (const fold of [0, 1]) await openFold(world.deps, at(world, fold));
  await world.deliver();
  keepBusy(world, `${world.study.id}.0`);
  await stopStudy(world.deps, world.study, {}, noReceipt);
  expect(world.batch.alive()).toEqual([]);
});

test("a study whose parts change all the time can be paused", async () => {
  const world = await nestedWorld();
  for (const fold of [0, 1]) await openFold(world.deps, at(world, fold));
  await world.deliver();
  keepBusy(world, `${world.study.id}.0`);
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "paused" });
});

test("a stop that is late does not end the executions of the next start", async () => {
  const world = await nestedWorld({ scheduler: sha });
  await openFold(world.deps, at(world, 0));
  await stopStudy(world.deps, world.study, {}, noReceipt);
  const stopped = await world.snapshot();
  await world.start();
  const { part, generation } = await openFold(world.deps, at(world, 0, 2));
  world.rounds.executions.set(`${part}-${generation}`, "running");
  await stopRounds(world.deps, stopped, "late");
  expect(world.rounds.executions.get(`${part}-${generation}`)).toBe("running");
});

test("a stop that is late does not put back the trials of the next start", async () => {
  const world = await nestedWorld();
  await openFold(world.deps, at(world, 0));
  await stopStudy(world.deps, world.study, {}, noReceipt);
  const stopped = await world.snapshot();
  await world.start();
  await openFold(world.deps, at(world, 0, 2));
  await world.deliver();
  const jobs = world.batch.alive().length;
  await putBack(world.deps, stopped, false);
  expect([jobs, world.batch.alive().length]).toEqual([3, 3]);
});

test("a machine that waits for a part of a deleted study is answered, and nothing is left behind", async () => {
  const world = await nestedWorld();
  const { part } = await openFold(world.deps, at(world, 0));
  const dispatcher = world.process();
  const late = [{ id: "m", body: JSON.stringify({ version: 1, study: part, taskToken: "late" }) }];
  await dispatchMessages(dispatcher, late);
  await deleteStudy(world.deps, world.study, noReceipt);
  for (let i = 0; i < 4; i++) {
    world.clock.now += 120_000;
    await world.reconcile();
  }
  world.rounds.waiting.add("late");
  expect(await dispatchMessages(dispatcher, late)).toEqual([]);
  expect(world.rounds.waiting.size).toBe(0);
  expect([...world.table.items()].filter((item) => JSON.stringify(item).includes(world.study.id))).toEqual(
    [],
  );
});

test("races that ended because their budget was spent go on with more trials", async () => {
  const world = await memoryWorld({
    evaluation: { ...evaluation, inner: { folds: 5 } },
    algorithm: { name: "irace" },
    budget: { trials: 72, parallel: 10 },
  });
  await world.start();
  for (const fold of [0, 1]) {
    await openFold(world.deps, at(world, fold));
    for (
      let i = 0;
      i < 120 && (await readStudy(world.deps, world.study)).nested?.folds[fold]?.state === "search";
      i++
    )
      await runJobs(world);
    await openFold(world.deps, at(world, fold));
    await runJobs(world);
  }
  const before = await readStudy(world.deps, world.study);
  expect(before.state).toBe("finished");
  world.rounds.executions.set(`${world.study.id}-1`, "ended");
  await world.reconcile();
  const { state, nested } = await patchStudy(world.deps, world.study, { budget: { trials: 200 } }, noReceipt);
  expect([state, nested?.folds.map((f) => f.state)]).toEqual(["ready", ["search", "search"]]);
});

test("a look at the study reads each part once", async () => {
  const world = await nestedWorld();
  await readStudy(world.deps, world.study);
  const read = await commandsOf(world.client, () => readStudy(world.deps, world.study));
  expect(read).toEqual(Array.from({ length: 1 + 4 }, () => QUERY));
});

test("a study that is deleted while the reconciler looks at it is no fault of the reconciler", async () => {
  for (let nth = 18; nth <= 30; nth++) {
    const world = await nestedWorld();
    world.rounds.executions.set(`${world.study.id}-1`, "ended");
    before(world.client, QUERY, () => deleteStudy(world.process(), world.study, noReceipt), nth);
    await world.reconcile();
    const faults = world.lines.filter(({ event }) => event === alarmedEvents.reconcileFailed);
    expect(faults, `before query ${nth}`).toEqual([]);
  }
});

test("who resumes a study of many folds does not wait until all have their trials; the reconciler goes on", async () => {
  const outer = { folds: 20, kind: "plain" } as const;
  const world = await nestedWorld({ evaluation: { ...evaluation, samples: 400, outer } });
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  const slow = { ...world.deps, clock: () => (world.clock.now += 500) };
  const begun = world.clock.now;
  await patchStudy(slow, world.study, { state: "running" }, noReceipt);
  expect(world.clock.now - begun).toBeLessThan(20_000);
  const parts = () => new Set(world.queue.messages.map(({ study }) => study)).size;
  expect(parts()).toBeGreaterThan(0);
  expect(parts()).toBeLessThan(20);
  await world.reconcile();
  expect(parts()).toBe(20);
});

test("the searches that their model ended stay ended, while a larger budget extends the others", async () => {
  const scheduler = {
    name: "freeze-thaw",
    resource: { name: "epoch", min: 1, max: 3 },
    leastGain: 0.1,
  } as const;
  const world = await nestedWorld({ scheduler });
  await stopStudy(world.deps, world.study, {}, noReceipt);
  const headOf = async (fold: number) => (await findHead(world.deps.store, `${world.study.id}.${fold}`))!;
  const end = async (fold: number) => {
    const ended = { kind: "not-worth-more", trials: 2, gain: 0.05, least: 0.1 } as const;
    const patch = { exhausted: true, settled: true, ended };
    await world.deps.store.transact([changeHead(await headOf(fold), patch)]);
  };
  const extend = (trials: number) => patchStudy(world.deps, world.study, { budget: { trials } }, noReceipt);
  await end(0);
  expect((await extend(5)).message).toContain("Of 2 outer folds the searches of 1 ended before");
  expect(await headOf(0)).toMatchObject({ trials: 5, settled: true, exhausted: true });
  expect(await headOf(1)).toMatchObject({ trials: 5, settled: false, exhausted: false });
  await end(1);
  await expect(extend(7)).rejects.toMatchObject({ type: "conflict", facts: { kind: "not-worth-more" } });
});
