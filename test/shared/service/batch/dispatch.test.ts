import { expect, test } from "vitest";
import { authenticate } from "../../../../shared/service/access/authenticate.ts";
import { dispatchMessages } from "../../../../shared/service/batch/dispatch.ts";
import { haltChanges, stopStudy } from "../../../../shared/service/batch/stop.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { switchDispatch } from "../../../../shared/store/dispatch-switch.ts";
import { headKey } from "../../../../shared/store/keys.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { withWait } from "../../../../shared/study/job.ts";
import {
  batchExecution,
  batchWorld,
  halvingScheduler,
  memoryWorld,
  type World,
} from "../../../support/batch.ts";
import { injectFaults } from "../../../support/faults.ts";
import { before, QUERY, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { Machine } from "../../../support/machine.ts";
import { noReceipt, TEAM } from "../../../support/service.ts";

const first = ({ study }: World) => ({ version: 1, study: study.id, trial: 0, attempt: 1 }) as const;

/** One GPU for up to an hour: each attempt reserves one GPU hour. */
const hour = { executor: { ...batchExecution, gpus: 1, timeoutSeconds: 3600 } };

test("a queued attempt becomes one job, named after it, with a token that may claim it", async () => {
  const world = await batchWorld();
  await world.start();
  expect(await world.deliver()).toEqual([]);
  expect(world.batch.jobs.map((job) => job.jobName)).toEqual([
    `hone-${world.study.id}-0-1`,
    `hone-${world.study.id}-1-1`,
  ]);
  const job = world.batch.of(0);
  expect(job.environment).toMatchObject({
    HONE_TEAM: TEAM,
    HONE_STUDY: world.study.id,
    HONE_TRIAL: "0",
    HONE_ATTEMPT: "1",
  });
  expect(await world.trial(0)).toMatchObject({
    state: "running",
    job: { phase: "submitted", jobId: job.jobId },
  });
  const place = { team: TEAM, study: world.study.id, trial: 0 };
  const caller = await authenticate(world.deps, `Bearer ${job.environment.HONE_TOKEN}`, place);
  expect(caller).toMatchObject({ kind: "bootstrap", attempt: 1 });
});

test("what a study says of its machines and labels is asked of Batch, for its definition and for each job", async () => {
  const labels = { project: "vision" };
  const executor = { ...batchExecution, gpus: 2, market: "on-demand" } as const;
  const world = await memoryWorld({ labels, executor, budget: { trials: 1, parallel: 1 } });
  const asked: object[] = [];
  const [register, submit] = [world.batch.register.bind(world.batch), world.batch.submit.bind(world.batch)];
  world.batch.register = (registration) => {
    asked.push(registration);
    return register(registration);
  };
  world.batch.submit = (request) => {
    asked.push(request);
    return submit(request);
  };
  await world.start();
  await world.deliver();
  expect(asked).toMatchObject([
    { team: TEAM, study: world.study.id, executor, labels },
    { team: TEAM, study: world.study.id, trial: 0, attempt: 1, gpus: 2, market: "on-demand", labels },
  ]);
});

test("the same message four times, by two dispatchers at once, makes one job", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  const message = first(world);
  const again = await Promise.all([world.deliver([message, message]), world.deliver([message, message])]);
  expect(again).toEqual([[], []]);
  expect(world.batch.submissions).toBe(1);
});

test("messages out of order and of attempts long gone change nothing", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." });
  await world.settle(world.batch.of(0));
  const [second] = world.queue.take();
  expect(second).toMatchObject({ trial: 0, attempt: 2 });
  await world.deliver([first(world)]);
  expect(world.batch.submissions).toBe(1);
  await world.deliver([second!, first(world), second!]);
  expect(world.batch.submissions).toBe(2);
});

test("after the study was deleted its messages are dropped", async () => {
  const world = await batchWorld();
  await world.start();
  await deleteStudy(world.deps, world.study, noReceipt);
  expect(await world.deliver()).toEqual([]);
  const messages = [{ id: "1", body: JSON.stringify(first(world)) }];
  const other = world.process();
  expect(await dispatchMessages(other, messages)).toEqual([]);
  // Once nothing of it is left, too: by a process that knows it, and by one that finds nothing.
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  expect(await dispatchMessages(other, messages)).toEqual([]);
  expect(await dispatchMessages(world.process(), messages)).toEqual([]);
  expect(world.batch.submissions).toBe(0);
});

test("messages of an unknown version, that are no JSON, or huge come back, and their neighbours are served", async () => {
  const world = await batchWorld();
  await world.start();
  const message = first(world);
  const again = await dispatchMessages(world.deps, [
    { id: "version", body: JSON.stringify({ ...message, version: 2 }) },
    { id: "text", body: "not JSON" },
    { id: "good", body: JSON.stringify(message) },
    { id: "huge", body: JSON.stringify({ ...message, extra: "x".repeat(1_000_000) }) },
    { id: "number", body: "7" },
  ]);
  expect(again).toEqual(["version", "text", "huge", "number"]);
  expect(world.batch.submissions).toBe(1);
});

test("a throttled submission backs off: the attempt waits again and the message comes back", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["throttled", "throttled"];
  expect(await world.deliver([first(world)])).toEqual(["0"]);
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 1, job: { phase: "queued" } });
  expect(await world.deliver([first(world)])).toEqual(["0"]);
  expect(await world.deliver([first(world)])).toEqual([]);
  expect(world.batch.jobs).toHaveLength(1);
});

test("a missing job queue fails the trial as infra, once, tells operators, and pauses the study", async () => {
  const world = await batchWorld();
  await world.start();
  world.batch.faults = ["rejected"];
  expect(await world.deliver()).toEqual([]);
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: expect.stringMatching(/^infra: /) });
  expect(world.lines).toContainEqual(expect.objectContaining({ event: "infra-failure", trial: 0 }));
  const { head } = await world.snapshot();
  expect(head).toMatchObject({
    state: "paused",
    notice: {
      kind: "infra-failure",
      detail: expect.stringContaining("does not find the study's job definition"),
      paused: true,
    },
  });
  world.clock.now += 3_600_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(1); // nothing is submitted until a person resumes

  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  await world.reconcile();
  await world.deliver();
  expect(
    world.batch
      .alive()
      .map((job) => job.environment.HONE_TRIAL)
      .sort(),
  ).toEqual(["1", "2"]);
});

test("while the kill switch is off messages stay in the queue and nothing is submitted", async () => {
  const world = await batchWorld();
  await world.start();
  await world.deps.store.transact([switchDispatch(false)]);
  const messages = world.queue.take();
  expect(await world.deliver(messages)).toEqual(["0", "1"]);
  world.clock.now += 120_000;
  await world.reconcile();
  expect(world.queue.messages).toEqual([]);
  expect(world.batch.submissions).toBe(0);
  await world.deps.store.transact([switchDispatch(true)]);
  expect(await world.deliver(messages)).toEqual([]);
  expect(world.batch.submissions).toBe(2);
});

test("a paused study holds queued attempts back, and the reconciler sends them when it goes on", async () => {
  const world = await batchWorld();
  await world.start();
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  expect(await world.deliver()).toEqual([]);
  expect(world.batch.submissions).toBe(0);
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(2);
});

test("an interrupted attempt that the budget has no room for is held, and the study pauses", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 1, parallel: 1, gpuHours: 1 } });
  await world.launch();
  world.clock.now += 60_000;
  await world.settle(
    world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." }),
  );
  await world.deliver();
  expect(world.batch.submissions).toBe(1);
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "paused" });
  await patchStudy(world.deps, world.study, { state: "running", budget: { gpuHours: 2 } }, noReceipt);
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(2);
});

test.each(["paused", "stopped"] as const)(
  "an attempt with a spending limit is not dispatched when its study is %s between the dispatcher's reads",
  async (state) => {
    const world = await batchWorld({ ...hour, budget: { trials: 1, parallel: 1, gpuHours: 5 } });
    await world.start();
    before(world.client, QUERY, () =>
      state === "stopped"
        ? stopStudy(world.deps, world.study, { drain: true }, noReceipt)
        : patchStudy(world.deps, world.study, { state: "paused" }, noReceipt),
    );
    await world.deliver();
    expect(world.batch.submissions).toBe(0);
  },
);

test.each([{ gpuHours: 1.5 }, { dollars: 0.8 }])(
  "two dispatchers at once do not dispatch two attempts on a budget for one, %j, and what waits for room pauses nothing",
  async (limit) => {
    const world = await batchWorld({
      ...hour,
      scheduler: halvingScheduler,
      budget: { trials: 4, parallel: 4, ...limit },
    });
    await world.start();
    const { trials } = await new Machine(world).open(0);
    const messages = trials.map(({ trial, attempt }) => ({
      version: 1 as const,
      study: world.study.id,
      trial,
      attempt,
      taskToken: `token-${trial}`,
    }));
    await Promise.all(messages.map((message) => world.deliver([message])));
    expect(world.batch.submissions).toBe(1);
    expect((await world.snapshot()).head.state).toBe("running");
  },
);

test("a Query that shows a trial as it is after its end beside a head of before lets nothing be dispatched on what it spent", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 2, parallel: 2, gpuHours: 2.5 } });
  await world.launch();
  const head = (await world.deps.store.get(headKey(world.study.id)))!;
  world.clock.now += 3_600_000;
  await world.settle(
    world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." }),
  );
  // One GPU hour is spent and another set aside.
  const [message] = world.queue.take();
  const deps = world.process();
  const queryPages = deps.store.queryPages.bind(deps.store);
  let stale = 1;
  deps.store.queryPages = async (...range) => {
    const { items, pages } = await queryPages(...range);
    return { items: stale-- > 0 ? [head, ...items.slice(1)] : items, pages };
  };
  await dispatchMessages(deps, [{ id: "1", body: JSON.stringify(message) }]);
  expect(stale).toBeLessThan(1);
  expect(world.batch.submissions).toBe(2);
});

test("a message of before a stop does not dispatch a trial that waits for a slot since the start after it", async () => {
  const world = await batchWorld({ budget: { trials: 2, parallel: 2 } });
  await world.start();
  const [, late] = world.queue.take();
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await patchStudy(world.deps, world.study, { budget: { parallel: 1 } }, noReceipt);
  await world.start();
  expect(await world.trial(1)).toMatchObject({ state: "queued", attempt: 1, job: null });
  expect(await world.deliver([late!])).toEqual([]);
  await world.deliver();
  expect(world.batch.jobs.map((job) => job.jobName)).toEqual([`hone-${world.study.id}-0-2`]);
});

test("a message of a trial that does not exist, or of a study that is not started, is dropped", async () => {
  const world = await batchWorld();
  expect(await world.deliver([{ ...first(world), trial: 7 }])).toEqual([]);
  await world.start();
  const messages = world.queue.take();
  expect(await world.deliver([{ ...first(world), trial: 7 }])).toEqual([]);
  await stopStudy(world.deps, world.study, { drain: true }, noReceipt);
  expect(await world.deliver(messages)).toEqual([]);
  expect(world.batch.submissions).toBe(0);
});

test.each([
  // The stop is committed, and its process has died before it put the trial back.
  [
    "stopped",
    async (world: World) => {
      const { head } = await world.snapshot();
      await world.deps.store.transact(haltChanges(world.study, head, false));
    },
  ],
  ["paused", (world: World) => patchStudy(world.deps, world.study, { state: "paused" }, noReceipt)],
])("a study that is %s between the read and the fence submits nothing", async (_, change) => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  before(world.client, TRANSACT, () => change(world));
  expect(await world.deliver()).toEqual([]);
  expect(world.batch.submissions).toBe(0);
});

test("a container that claims before the dispatcher notes the job's id keeps its claim", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  before(world.client, UPDATE, () => world.claim(0));
  await world.deliver();
  expect(await world.trial(0)).toMatchObject({ job: { phase: "claimed", jobId: world.batch.of(0).jobId } });
  await world.tell(0, 0.5);
});

test("a message that meets a fault comes back, says why in the log, and is served then", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  const messages = world.queue.take();
  let calls = 0;
  // The switch and the spec are read; the process then loses the table.
  const restore = injectFaults(world.client, () => (++calls === 3 ? "crash-before" : "none"));
  expect(await world.deliver(messages)).toEqual(["0"]);
  restore();
  expect(world.lines).toContainEqual(
    expect.objectContaining({ event: "dispatch-failed", trial: 0, attempt: 1 }),
  );
  expect(await world.deliver(messages)).toEqual([]);
  expect(world.batch.submissions).toBe(1);
});

test("a fence whose reply was lost submits once", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "lost-reply" : "none"));
  await world.deliver();
  restore();
  expect(world.batch.submissions).toBe(1);
  expect(await world.trial(0)).toMatchObject({ job: { phase: "submitted" } });
});

/** A machine begins to wait for the trial. */
const waitFor = async (world: World, taskToken: string) => {
  const trial = await world.trial(0);
  await world.deps.store.update(changeTrial(trial, { job: withWait(trial.job!, taskToken) }));
};

test("a machine that begins to wait between the read and the fence is not forgotten", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  before(world.client, TRANSACT, () => waitFor(world, "token-1-0"));
  await world.deliver();
  expect(world.batch.submissions).toBe(1);
  expect(await world.trial(0)).toMatchObject({ job: { phase: "submitted", taskTokens: ["token-1-0"] } });
});

test("a machine whose message comes while the container claims its attempt takes nothing from the claim", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  before(world.client, TRANSACT, () => world.claim(0));
  expect(await world.deliver([{ ...first(world), taskToken: "token-1-0" }])).toEqual([]);
  expect(await world.trial(0)).toMatchObject({ job: { phase: "claimed", taskTokens: ["token-1-0"] } });
});

test("a machine that begins to wait while a throttled attempt is put back is not forgotten", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["throttled"];
  // The attempt then looks as if its submission were unclear; the reconciler finds that there is no job.
  before(world.client, TRANSACT, () => waitFor(world, "token-1-0"), 2);
  expect(await world.deliver()).toEqual(["0"]);
  expect(await world.trial(0)).toMatchObject({ job: { taskTokens: ["token-1-0"] } });
  world.clock.now += 61_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({
    state: "queued",
    attempt: 2,
    job: { taskTokens: ["token-1-0"] },
  });
});
