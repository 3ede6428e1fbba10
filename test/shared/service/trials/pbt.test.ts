import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import type { AskReply } from "../../../../shared/schemas/trial.ts";
import { collectCheckpoints } from "../../../../shared/service/repair/checkpoints.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { checkpointsOfTrial } from "../../../../shared/service/trials/checkpoint.ts";
import { lineageOf } from "../../../../shared/service/trials/lineage.ts";
import { exportTrials } from "../../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { save, upload } from "../../../support/saved.ts";
import { noReceipt } from "../../../support/service.ts";

const FOREVER = Number.POSITIVE_INFINITY;
const LEASE_MS = 61_000;
const LENGTH = 2;
const END = 6;

const pbtStudy = (trials: number, population = 3, seed = 0) =>
  memoryWorld(
    {
      executor: { type: "client" },
      algorithm: { name: "pbt", population, seed },
      scheduler: { resource: { name: "epoch", min: LENGTH, max: END } },
      budget: { trials },
      lease: { seconds: 60, maxAttempts: 2 },
    },
    seed,
  );

type Lease = AskReply["trials"][number];

const ask = async (world: MemoryWorld, worker: string): Promise<Lease | undefined> =>
  (await askTrials(world.process(), world.study, { worker }, noReceipt)).trials[0];

/** The result of a segment, with a checkpoint unless it is said that it has none. */
const tell = async (world: MemoryWorld, { number, attempt }: Lease, accuracy: number, isSaved = true) => {
  const saved = isSaved ? (await upload(world, number, attempt)).checkpoint : undefined;
  const body = { attempt, values: { accuracy }, ...(saved !== undefined && { checkpoint: saved }) };
  return tellTrial(world.deps, world.study, number, body, noReceipt);
};

/** What a lease must hold: a parent that has ended well, and a checkpoint of it, or of an earlier attempt, that can be fetched. */
const expectSound = async (world: MemoryWorld, lease: Lease) => {
  const { number, attempt, parent, resumesAt, resource, checkpoint } = lease;
  const { download } = await checkpointsOfTrial(world.deps, world.study, number, { attempt });
  if (checkpoint === null) expect(download).toBeNull();
  else expect(world.checkpoints.has(download!)).toBe(true);
  if (parent === null) {
    expect([resumesAt, resource]).toEqual([0, LENGTH]);
    return;
  }
  const from = await world.trial(parent!);
  expect(from).toMatchObject({ state: "completed", resource: resumesAt });
  expect(from.checkpoint).not.toBeNull();
  expect(resource).toBe(resumesAt! + LENGTH);
  const { checkpoint: own } = await world.trial(number);
  expect(checkpoint).toBe(own ?? from.checkpoint);
};

/** What becomes of an attempt: about a third of the workers are lost. */
const anyEvent = fc.record({
  worker: fc.integer({ min: 0, max: 3 }),
  fate: fc.constantFrom("done", "done", "done", "unsaved", "failed", "dies", "dies late", "collect"),
  accuracy: fc.double({ min: 0, max: 1, noNaN: true }),
});

test("workers die at any time: the study comes to its end, and every segment begins from a committed checkpoint that is there", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEvent, { minLength: 5, maxLength: 24 }),
      fc.nat({ max: 99 }),
      async (events, seed) => {
        const world = await pbtStudy(16, 3, seed);
        const held = new Map<number, Lease>();
        for (const { worker, fate, accuracy } of events) {
          world.clock.now += 1000;
          const lease = held.get(worker) ?? (await ask(world, `w${worker}`));
          if (fate === "collect") await collectCheckpoints(world.process(), FOREVER);
          if (lease === undefined) continue;
          await expectSound(world, lease);
          held.set(worker, lease);
          if (fate === "collect") continue;
          held.delete(worker);
          const { number, attempt } = lease;
          if (fate === "done" || fate === "unsaved") await tell(world, lease, accuracy, fate === "done");
          else if (fate === "failed") {
            await tellTrial(
              world.deps,
              world.study,
              number,
              { attempt, failed: { reason: "nan" } },
              noReceipt,
            );
          } else {
            // It has uploaded, and perhaps committed, and is never heard of again.
            await (fate === "dies" ? upload : save)(world, number, attempt);
            world.clock.now += LEASE_MS;
            held.clear();
          }
        }
        world.clock.now += LEASE_MS;
        for (let asks = 0; asks < 30; asks++) {
          const lease = await ask(world, "last");
          // An ask that ends trials without an attempt left hands out nothing in their place.
          if (lease === undefined) continue;
          await expectSound(world, lease);
          await tell(world, lease, asks / 30);
          await collectCheckpoints(world.process(), FOREVER);
        }
        const { head, trials } = await world.snapshot();
        expect(head.next).toBe(16);
        expect(trials.every(({ state }) => state === "completed" || state === "failed")).toBe(true);
      },
    ),
    { numRuns: 12 },
  );
}, 60_000);

test("a long study folds its segments, keeps few checkpoints, and its best lineage can be read", async () => {
  const world = await pbtStudy(120, 4);
  const random = createRandom(1);
  for (let i = 0; i < 120; i++) {
    const lease = (await ask(world, "w"))!;
    await expectSound(world, lease);
    await tell(world, lease, (lease.resource ?? 0) / 10 + 0.01 * random.uniform());
    if (i % 12 !== 0) continue;
    await collectCheckpoints(world.process(), FOREVER);
    // Of one generation and the next, each of the population's.
    expect(world.checkpoints.keys.size).toBeLessThanOrEqual(8);
  }
  expect((await world.snapshot()).head.segments).toBeGreaterThan(0);
  const { trials } = await lineageOf(world.deps, world.study, {});
  expect(trials.map(({ from, to }) => [from, to])).toEqual([
    [0, 2],
    [2, 4],
    [4, 6],
  ]);
  const exported = (await exportTrials(world.deps, world.study)).trials;
  const last = trials.at(-1)!;
  expect(exported[last.number]).toMatchObject({ parent: trials.at(-2)!.number, params: last.params });
  expect(exported[trials[0]!.number]!.parent).toBeNull();
  const first = await lineageOf(world.deps, world.study, { trial: trials[0]!.number });
  expect(first.trials).toEqual(trials.slice(0, 1));
});

test("a configuration that the client enqueues begins a run of its own", async () => {
  const world = await pbtStudy(20, 2);
  const { params } = (await ask(world, "w"))!;
  await addTrials(world.deps, world.study, { trials: [{ params }] }, noReceipt);
  const lease = (await ask(world, "v"))!;
  expect(lease).toMatchObject({ parent: null, resumesAt: 0, resource: LENGTH, params });
  expect(await ask(world, "u")).toBeUndefined();
  await tell(world, lease, 0.5);
  expect(await ask(world, "v")).toMatchObject({ parent: lease.number, resumesAt: LENGTH });
});

test("a job of a batch study claims its parent's checkpoint, with the URL to fetch it, and a lost one claims it again", async () => {
  const world = await memoryWorld({
    executor: batchExecution,
    algorithm: { name: "pbt", population: 2, seed: 1 },
    scheduler: { resource: { name: "epoch", min: LENGTH, max: END } },
    budget: { trials: 6, parallel: 2 },
  });
  const claims = await world.launch();
  expect(claims.map(({ parent, checkpoint }) => [parent, checkpoint])).toEqual([
    [null, null],
    [null, null],
  ]);
  const saved = await save(world, 0);
  await world.tell(0, 0.9);
  world.batch.succeed(world.batch.of(0));
  await world.deliver();
  world.batch.run(world.batch.of(2));
  const child = await world.claim(2);
  expect(child).toMatchObject({ parent: 0, resumesAt: LENGTH, checkpoint: saved.checkpoint });
  expect(world.checkpoints.has(child.download!)).toBe(true);
  await collectCheckpoints(world.process(), FOREVER);
  expect(world.checkpoints.has(child.download!)).toBe(true);
});

test.each([
  [{ algorithm: { name: "pbt" } }, "scheduler"],
  [
    { algorithm: { name: "tpe" }, scheduler: { name: "segments", resource: { name: "e", min: 1, max: 3 } } },
    "pbt",
  ],
  [
    { algorithm: { name: "pbt" }, scheduler: { name: "asha", resource: { name: "e", min: 1, max: 3 } } },
    "scheduler",
  ],
] as const)("%o is refused, with what would be right", async (change, word) => {
  const refused = memoryWorld({ executor: { type: "client" }, budget: { trials: 9 }, ...change });
  await expect(refused).rejects.toMatchObject({ errors: [expect.objectContaining({})] });
  await expect(refused).rejects.toThrow(word);
});
