import { expect, test } from "vitest";
import { authenticate } from "../../../../shared/service/access/authenticate.ts";
import { claimTrial } from "../../../../shared/service/batch/claim.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { heartbeatTrial } from "../../../../shared/service/trials/report.ts";
import { actionsOn, batchExecution, batchWorld, type World } from "../../../support/batch.ts";
import { injectFaults } from "../../../support/faults.ts";
import { before, UPDATE } from "../../../support/interleave.ts";
import { makeStudy, noReceipt, studyBody, TEAM } from "../../../support/service.ts";

const submitted = async (): Promise<World> => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  return world;
};

const claimAs = (world: World, claimant: string, jobId = world.batch.of(0).jobId, attempt = 1) =>
  claimTrial(world.deps, world.study, 0, { attempt, jobId, claimant });

test("a claim answers with the configuration and a token of the trial, and begins the lease", async () => {
  const world = await submitted();
  const reply = await claimAs(world, "claimant-0123456789");
  const trial = await world.trial(0);
  expect(reply).toMatchObject({ number: 0, attempt: 1, params: trial.params, heartbeatSeconds: 20 });
  expect(reply.leaseExpires).toBe("2026-11-23T12:01:00.000Z");
  expect(trial).toMatchObject({ state: "running", job: { phase: "claimed" } });
  const place = { team: TEAM, study: world.study.id, trial: 0 };
  expect(await authenticate(world.deps, `Bearer ${reply.token}`, place)).toMatchObject({
    kind: "trial",
    attempt: 1,
  });
  expect(JSON.stringify(trial)).not.toContain(reply.token);
});

test("of many containers for one attempt one claims it, and the others learn that they lost", async () => {
  const world = await submitted();
  const replies = await Promise.allSettled(
    Array.from({ length: 12 }, (_, i) =>
      claimAs(world, `claimant-number-${i}-xyz`, world.batch.twin(world.batch.of(0)).jobId),
    ),
  );
  expect(replies.filter((reply) => reply.status === "fulfilled")).toHaveLength(1);
  for (const reply of replies) {
    if (reply.status === "rejected") expect(reply.reason).toMatchObject({ type: "claim-lost" });
  }
});

test("the winner may claim again when the answer was lost, and the first token is void", async () => {
  const world = await submitted();
  // How long the job waited for a machine is not charged.
  world.clock.now += 3000;
  const first = await claimAs(world, "claimant-0123456789");
  world.clock.now += 5000;
  const again = await claimAs(world, "claimant-0123456789");
  const place = { team: TEAM, study: world.study.id, trial: 0 };
  expect(await authenticate(world.deps, `Bearer ${first.token}`, place)).toMatchObject({ kind: "refused" });
  expect(await authenticate(world.deps, `Bearer ${again.token}`, place)).toMatchObject({ kind: "trial" });
  // The time of the first claim is what the attempt is charged from.
  expect((await world.trial(0)).job?.since).toBe(world.clock.now - 5000);
});

test("a job of an attempt that is over cannot claim", async () => {
  const world = await submitted();
  const { jobId } = world.batch.of(0);
  await claimAs(world, "claimant-0123456789");
  await world.tell(0, 0.5);
  await expect(claimAs(world, "claimant-0123456789")).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(claimAs(world, "claimant-0123456789", jobId, 2)).rejects.toMatchObject({
    type: "stale-attempt",
  });
});

test("a claim that comes before the dispatcher noted the job's id counts", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["unheard"];
  await world.deliver();
  await claimAs(world, "claimant-0123456789");
  expect(await world.trial(0)).toMatchObject({ job: { phase: "claimed", jobId: world.batch.of(0).jobId } });
  await heartbeatTrial(world.deps, world.study, 0, { attempt: 1 }, noReceipt);
});

test("the trials of a client study are not claimed", async () => {
  const world = await submitted();
  const study = await makeStudy(world.deps);
  await askTrials(world.deps, study, {}, noReceipt);
  const body = { attempt: 1, jobId: "job", claimant: "claimant-0123456789" };
  await expect(claimTrial(world.deps, study, 0, body)).rejects.toMatchObject({ type: "wrong-executor" });
});

test("a claim whose reply was lost is answered with a token that works", async () => {
  const world = await submitted();
  let updates = 0;
  const restore = injectFaults(world.client, (command) =>
    command === UPDATE && ++updates === 1 ? "lost-reply" : "none",
  );
  const { token } = await claimAs(world, "claimant-0123456789");
  restore();
  const place = { team: TEAM, study: world.study.id, trial: 0 };
  expect(await authenticate(world.deps, `Bearer ${token}`, place)).toMatchObject({ kind: "trial" });
});

test("a container whose attempt is claimed between its read and its write has lost", async () => {
  const world = await submitted();
  const { jobId } = world.batch.twin(world.batch.of(0));
  before(world.client, UPDATE, () => claimAs(world, "claimant-number-1-xyz", jobId));
  await expect(claimAs(world, "claimant-number-2-xyz")).rejects.toMatchObject({
    type: "claim-lost",
    facts: { trial: 0, attempt: 1 },
  });
  expect((await world.trial(0)).job).toMatchObject({ jobId, claimant: "claimant-number-1-xyz" });
});

test("another container of the same job has lost, too", async () => {
  const world = await submitted();
  await claimAs(world, "claimant-0123456789");
  await expect(claimAs(world, "claimant-9876543210")).rejects.toMatchObject({ type: "claim-lost" });
});

test("an attempt that waits for its job, or was put back, is not claimed", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await expect(claimAs(world, "claimant-0123456789", "job-0")).rejects.toMatchObject({
    type: "stale-attempt",
  });
  await world.deliver();
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await expect(claimAs(world, "claimant-0123456789")).rejects.toMatchObject({
    type: "stale-attempt",
    facts: { given: 1, current: 2 },
  });
});

test("a container of an earlier attempt does not claim the current one", async () => {
  const world = await submitted();
  const { jobId } = world.batch.of(0);
  await world.settle(
    world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." }),
  );
  await world.deliver();
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 2, job: { phase: "submitted" } });
  await expect(claimAs(world, "claimant-0123456789", jobId, 1)).rejects.toMatchObject({
    type: "stale-attempt",
    facts: { given: 1, current: 2 },
  });
  expect(await world.trial(0)).toMatchObject({ job: { phase: "submitted", claimant: null } });
});

test("a container of another job has lost although it gave itself the same name", async () => {
  const world = await submitted();
  await claimAs(world, "claimant-0123456789");
  await expect(claimAs(world, "claimant-0123456789", "another-job")).rejects.toMatchObject({
    type: "claim-lost",
  });
});

/** A running job of another team. */
const victimIn = async (world: World) => {
  const { study } = await createStudy(
    world.deps,
    "rivals",
    studyBody({ executor: batchExecution }),
    noReceipt,
  );
  const theirs = actionsOn(
    world.deps,
    await loadStudy(world.deps, "rivals", study),
    world.queue,
    world.batch,
  );
  await theirs.start();
  await theirs.deliver();
  const [job] = world.batch.jobs;
  if (job === undefined) throw new Error("The other team has no job.");
  return world.batch.run(job);
};

test.each(["submitted", "unheard"] as const)(
  "a container that claims under the id of another job gets nothing, and that job runs on (its own submission %s)",
  async (own) => {
    const world = await batchWorld({ budget: { trials: 2, parallel: 2 } });
    const victim = await victimIn(world);
    await world.start();
    if (own === "unheard") world.batch.faults = ["unheard", "unheard"];
    await world.deliver();
    const [mine, neighbour] = world.batch.jobs.filter(({ jobName }) => jobName.includes(world.study.id));
    // Of another team's trial, of another trial of its own study, of no job at all.
    for (const jobId of [victim.jobId, neighbour?.jobId ?? "", "no-such-job", "*"]) {
      await expect(claimAs(world, "claimant-0123456789", jobId)).rejects.toMatchObject({
        type: "claim-lost",
        facts: { kind: "claim-of-stranger", trial: 0, attempt: 1 },
      });
    }
    await claimAs(world, "claimant-0123456789", mine?.jobId);
    // It falls silent.
    world.clock.now += 120_000;
    await world.reconcile();
    const ended = world.batch.terminations.map(({ jobId }) => jobId);
    expect(ended).toContain(mine?.jobId);
    expect(ended).not.toContain(victim.jobId);
  },
);

test("a job of the same name and number in another team's study has not the attempt", async () => {
  const world = await submitted();
  const job = world.batch.twin(world.batch.of(0));
  Object.assign(job, { environment: { ...job.environment, HONE_TEAM: "rivals" } });
  await expect(claimAs(world, "claimant-0123456789", job.jobId)).rejects.toMatchObject({
    type: "claim-lost",
  });
});

test("a second job of the attempt's own submission may claim it", async () => {
  const world = await submitted();
  const twin = world.batch.twin(world.batch.of(0));
  await claimAs(world, "claimant-0123456789", twin.jobId);
  expect((await world.trial(0)).job?.jobId).toBe(twin.jobId);
});
