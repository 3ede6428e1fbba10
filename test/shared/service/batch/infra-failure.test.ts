import { expect, test } from "vitest";
import { alarmedEvents } from "../../../../shared/deployment.ts";
import { planInfraFailure } from "../../../../shared/service/batch/infra-failure.ts";
import { carryOut } from "../../../../shared/service/batch/settle.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { batchWorld } from "../../../support/batch.ts";
import { noReceipt } from "../../../support/service.ts";

test("an image that cannot be pulled fails the trial as infra", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  const reason = "CannotPullContainerError: pull access denied";
  await world.settle(world.batch.fail(world.batch.of(0), { statusReason: "Task failed to start", reason }));
  expect(await world.trial(0)).toMatchObject({
    state: "failed",
    reason: expect.stringMatching(/^infra: The image could not be pulled/),
  });
  expect((await world.snapshot()).head.notice).toMatchObject({
    kind: "infra-failure",
    detail: expect.stringMatching(/^The image could not be pulled/),
  });
  expect(world.lines).toContainEqual(expect.objectContaining({ event: "infra-failure" }));
});

test("a secret that cannot be read fails the trial as infra and pauses the study: every other job would lack it, too", async () => {
  const world = await batchWorld({ budget: { trials: 5, parallel: 1 } });
  await world.start();
  await world.deliver();
  const reason =
    "Fetching secret data from SSM Parameter Store in eu-west-1: invalid parameters: [/hone/acme/x]";
  await world.settle(world.batch.fail(world.batch.of(0), { statusReason: "Task failed to start", reason }));
  expect(await world.trial(0)).toMatchObject({
    state: "failed",
    reason: expect.stringMatching(/^infra: A secret of executor\.secrets could not be read/),
  });
  const { head } = await world.snapshot();
  expect(head).toMatchObject({ state: "paused", notice: { kind: "infra-failure", paused: true } });
  expect(world.queue.messages).toEqual([]);
});

test("a trial that cannot be run gets no further attempt, however often it may fail", async () => {
  const world = await batchWorld({ budget: { trials: 2, parallel: 1 }, repeats: { attempts: 3 } });
  await world.start();
  await world.deliver();
  const reason = "CannotPullContainerError: pull access denied";
  await world.settle(world.batch.fail(world.batch.of(0), { statusReason: "Task failed to start", reason }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", attempt: 1 });
});

test("a program that fails gets the attempts that the study allows", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 }, repeats: { attempts: 2 } });
  await world.launch();
  await world.settle(world.batch.fail(world.batch.of(0), { exitCode: 1 }));
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, lost: 0 });
  await world.deliver();
  world.batch.run(world.batch.of(0, 2));
  await world.claim(0, 2);
  await world.settle(world.batch.fail(world.batch.of(0, 2), { exitCode: 1 }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", attempt: 2 });
});

test("a job that ends without claiming its attempt fails the trial as infra, and says what to look at", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  await world.settle(world.batch.succeed(world.batch.run(world.batch.of(0))));
  expect((await world.trial(0)).reason).toMatch(/^infra: .*hone exec/);
});

test("a container that fails before it claims its attempt is no failure of the program: there is no further attempt", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 }, repeats: { attempts: 3 } });
  await world.start();
  await world.deliver();
  await world.settle(world.batch.fail(world.batch.run(world.batch.of(0)), { exitCode: 127 }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: expect.stringMatching(/^infra: /) });
});

/** A trial whose attempt was submitted and never reached its program. */
const submitted = async (change: Parameters<typeof batchWorld>[0] = {}) => {
  const world = await batchWorld({ budget: { trials: 3, parallel: 1 }, ...change });
  await world.start();
  await world.deliver();
  const fail = async (pause: boolean, seconds = 0) =>
    carryOut(
      world.deps,
      planInfraFailure(world.deps, world.study, await world.trial(0), "no such queue.", { pause, seconds }),
    );
  return { world, fail };
};

test("the trial fails on its first attempt, is charged, logged, and said on the study", async () => {
  const { world, fail } = await submitted();
  expect(await fail(false, 12)).toBe(true);
  expect(await world.trial(0)).toMatchObject({
    state: "failed",
    attempt: 1,
    seconds: 12,
    reason: "infra: no such queue.",
  });
  expect(world.lines).toContainEqual(
    expect.objectContaining({ event: alarmedEvents.infraFailure, trial: 0, attempt: 1 }),
  );
  expect((await world.snapshot()).head).toMatchObject({
    state: "running",
    gpuSeconds: 12,
    notice: { kind: "infra-failure", trial: 0, detail: "no such queue.", paused: false },
  });
});

test("when only this trial is concerned the next one is dispatched; when all are, the study pauses", async () => {
  const one = await submitted();
  await one.fail(false);
  expect(one.world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
  const all = await submitted();
  await all.fail(true);
  expect(all.world.queue.messages).toEqual([]);
  expect((await all.world.snapshot()).head).toMatchObject({ state: "paused", notice: { paused: true } });
});

test("a study that a person paused keeps its state and has no notice", async () => {
  const { world, fail } = await submitted();
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  await fail(true);
  expect(await world.trial(0)).toMatchObject({ state: "failed" });
  expect((await world.snapshot()).head).toMatchObject({ state: "paused", notice: null });
});

test("a machine that waits for the trial is answered although the study pauses", async () => {
  const { world, fail } = await submitted();
  const trial = await world.trial(0);
  const job = { ...trial.job!, taskTokens: ["token-1-0"] };
  await world.deps.store.update(changeTrial(trial, { job }));
  await fail(true);
  expect(world.rounds.resumed).toEqual([
    { taskToken: "token-1-0", output: { trial: 0, attempt: 1, state: "failed" } },
  ]);
});

test("a trial that has moved on is not failed, and nothing is said of it", async () => {
  const { world } = await submitted();
  const seen = await world.trial(0);
  await world.claim(0);
  const plan = planInfraFailure(world.deps, world.study, seen, "no such queue.", { pause: true });
  expect(await carryOut(world.deps, plan)).toBe(false);
  expect(await world.trial(0)).toMatchObject({ state: "running" });
  expect((await world.snapshot()).head).toMatchObject({ state: "running", notice: null });
  expect(world.lines.filter(({ event }) => event === alarmedEvents.infraFailure)).toEqual([]);
});

test("what AWS says of a job that it refused is in the log, and no user reads it", async () => {
  const secret = "arn:aws:batch:eu-west-1:111122223333:job-queue/hone-cpu";
  for (const detail of [
    `ClientException: JobQueue ${secret} does not exist`,
    `AccessDeniedException: User ${secret} is not authorized`,
    secret,
  ]) {
    const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
    world.batch.submit = async () => ({ kind: "rejected", detail });
    await world.start();
    await world.deliver();
    const shown = JSON.stringify([await world.trial(0), await readStudy(world.deps, world.study)]);
    expect(shown).toContain("infra: ");
    expect(shown).not.toMatch(/arn:|111122223333/);
    expect(JSON.stringify(world.lines)).toContain(secret);
  }
});

test.each([
  [
    "that failed",
    {
      statusReason: "arn:aws:ecs:eu-west-1:111122223333:task/x",
      reason: "arn:aws:ecs:eu-west-1:111122223333:task/x",
    },
  ],
  ["whose machine went away", { statusReason: "Host EC2 (instance i-0abc of 111122223333) terminated." }],
])("what AWS says of a job %s is in the log, and no user reads it", async (_, end) => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  await world.settle(world.batch.fail(world.batch.of(0), end));
  const { head } = await world.snapshot();
  const trial = await world.trial(0);
  const shown = JSON.stringify([trial.reason, trial.attempts.map(({ reason }) => reason), head.notice]);
  expect(shown).not.toMatch(/arn:|111122223333|i-0abc/);
  expect(JSON.stringify(world.lines)).toContain("111122223333");
});
