import { expect, test } from "vitest";
import { endOrphans } from "../../../../shared/service/repair/orphans.ts";
import { markDeleting } from "../../../../shared/store/head.ts";
import { batchWorld } from "../../../support/batch.ts";

test("jobs that nobody waits for are ended, those that somebody waits for are not", async () => {
  const world = await batchWorld({ budget: { trials: 4, parallel: 4 } });
  await world.launch();
  await world.tellOnly(1, 0.5);
  world.clock.now += 30_000;
  await world.reconcile();
  expect(world.batch.terminations).toEqual([]); // a container that told its result is about to exit
  world.clock.now += 100_000;
  await world.claim(0); // renews its lease
  await world.claim(2);
  await world.claim(3);
  await world.reconcile();
  expect(world.batch.terminations.map(({ jobId }) => jobId)).toEqual([world.batch.of(1).jobId]);
});

test("a job of a study that is gone is ended, and of one that is being deleted, too", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  await world.deps.store.update(markDeleting(world.study.id));
  await endOrphans(world.process());
  expect(world.batch.terminations).toEqual([
    { jobId: world.batch.of(0).jobId, reason: "hone: nobody waits for this job" },
  ]);
});

test("a job of an attempt that is over is ended, and that of the current one is not", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  world.clock.now += 60_001;
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = () => Promise.reject(new Error("down"));
  await world.reconcile(); // the lease has expired; the job could not be ended
  world.batch.faults = ["unheard"]; // the next job's id is not known yet
  await world.deliver();
  world.batch.terminate = terminate;
  expect(world.batch.alive()).toHaveLength(2);
  await endOrphans(world.deps);
  expect(world.batch.alive().map((job) => job.environment.HONE_ATTEMPT)).toEqual(["2"]);
});

test("a second job for an attempt that another job claimed is ended; before any claim both are left", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  const [, twin] = world.batch.jobs;
  await endOrphans(world.deps);
  expect(world.batch.terminations).toEqual([]);
  await world.claim(0);
  await endOrphans(world.deps);
  expect(world.batch.terminations.map(({ jobId }) => jobId)).toEqual([twin?.jobId]);
  expect(world.lines).toContainEqual(
    expect.objectContaining({ event: "orphan-ended", trial: 0, attempt: 1 }),
  );
});

test("a job whose name is not one of ours is left alone", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  const stranger = { ...world.batch.of(0), jobId: "stranger", jobName: "hone-what-ever" };
  world.batch.jobs.push(stranger);
  await endOrphans(world.deps);
  expect(world.batch.terminations).toEqual([]);
});

test("a job that cannot be ended does not keep the others", async () => {
  const world = await batchWorld({ budget: { trials: 2, parallel: 2 } });
  await world.launch();
  await world.deps.store.update(markDeleting(world.study.id));
  const terminate = world.batch.terminate.bind(world.batch);
  const [first] = world.batch.jobs;
  // One without Hone's tags, say: the role may not end it.
  world.batch.terminate = (jobId, reason) =>
    jobId === first?.jobId ? Promise.reject(new Error("AccessDenied")) : terminate(jobId, reason);
  await endOrphans(world.process());
  expect(world.batch.alive()).toEqual([first]);
});
