import fc from "fast-check";
import { expect, test } from "vitest";
import { claimTrial } from "../../../shared/service/batch/claim.ts";
import { dispatchMessages } from "../../../shared/service/batch/dispatch.ts";
import { settleJob } from "../../../shared/service/batch/settle.ts";
import { startStudy } from "../../../shared/service/batch/start.ts";
import type { ServiceDeps } from "../../../shared/service/core/deps.ts";
import { reconcile } from "../../../shared/service/repair/reconcile.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { batchWorld, halvingScheduler, memoryWorld } from "../../support/batch.ts";
import { Crash, injectFaults, retryAtOnce } from "../../support/faults.ts";
import { noReceipt } from "../../support/service.ts";
import { play, type Story } from "../../support/simulation.ts";

const anyStory = fc.record({ seed: fc.nat(), steps: fc.integer({ min: 40, max: 160 }) });

/** Faults do not slow it down: the SDK does not wait before it tries again. */
const emulatorWorld = async (change: Story["study"]) => {
  const world = await batchWorld(change);
  retryAtOnce(world.client);
  return world;
};

/** Most runs are on the table in this process, which is quick; a few on the emulator, where every fifth call fails: a second opinion. */
const tables = [
  { name: "in this process", makeWorld: memoryWorld, stories: 14, rounds: 8, stride: 1 },
  { name: "on the emulator", makeWorld: emulatorWorld, stories: 1, rounds: 1, stride: 5 },
] as const;

/** What must have happened in all stories of a test together: the invariants do not hold because nothing did. */
const eventful = [
  "crash",
  "delivered",
  "claimed",
  "told",
  "killed",
  "stopped",
  "event",
  "attempt expired",
  "attempt interrupted",
  "last attempt lost",
  "refused stale-attempt",
];

/** Two attempts, so that many trials lose their last one. */
const lease = { seconds: 60, maxAttempts: 2 };

type Played = Awaited<ReturnType<typeof play>>;
const MOST_MORE = 60;

class Tally {
  readonly #sums = new Map<string, number>();

  add(counts: Readonly<Record<string, number>>): void {
    for (const [what, count] of Object.entries(counts)) {
      this.#sums.set(what, (this.#sums.get(what) ?? 0) + count);
    }
  }

  /** Plays stories of further seeds until everything has happened: who is quicker decides, too. */
  async expectAll(more: (seed: number) => Promise<Played>): Promise<void> {
    const isMissing = () => eventful.some((what) => !this.#sums.get(what));
    for (let seed = 0; isMissing() && seed < MOST_MORE; seed++) {
      const { violations, counts } = await more(seed);
      expect(violations, `seed ${seed}`).toEqual([]);
      this.add(counts);
    }
    for (const what of eventful) expect(this.#sums.get(what) ?? 0, what).toBeGreaterThan(0);
  }
}

test.each(tables)(
  "whatever is lost, doubled, late or killed, every trial of a batch study ends once and the invariants hold: $name",
  async ({ name, makeWorld, stories }) => {
    const tally = new Tally();
    await fc.assert(
      fc.asyncProperty(anyStory, fc.integer({ min: 1, max: 3 }), async (story, parallel) => {
        const study = { budget: { trials: 6, parallel }, lease };
        const { violations, counts } = await play({ ...story, study }, makeWorld);
        expect(violations).toEqual([]);
        tally.add(counts);
      }),
      { numRuns: stories, seed: 99, endOnFailure: true },
    );
    if (name !== "in this process") return;
    const study = { budget: { trials: 6, parallel: 2 }, lease };
    await tally.expectAll((seed) => play({ seed, steps: 160, study }, makeWorld));
  },
  300_000,
);

test.each(tables)(
  "the same for a study in rounds, whose promotions follow from the told values alone: $name",
  async ({ name, makeWorld, rounds }) => {
    const tally = new Tally();
    await fc.assert(
      fc.asyncProperty(anyStory, async (story) => {
        const study = { budget: { trials: 9, parallel: 3 }, scheduler: halvingScheduler, lease };
        const { violations, counts } = await play({ ...story, study }, makeWorld);
        expect(violations).toEqual([]);
        tally.add(counts);
      }),
      { numRuns: rounds, seed: 99, endOnFailure: true },
    );
    if (name !== "in this process") return;
    const study = { budget: { trials: 9, parallel: 3 }, scheduler: halvingScheduler, lease };
    await tally.expectAll((seed) => play({ seed, steps: 160, study }, makeWorld));
  },
  300_000,
);

test("a seed tells the same story each time", async () => {
  const story = { seed: 11, steps: 120, study: { budget: { trials: 6, parallel: 3 } } };
  const first = await play(story);
  expect(first.counts).toMatchObject({ claimed: expect.any(Number), told: expect.any(Number) });
  expect(await play(story)).toEqual(first);
});

const [inProcess, onEmulator] = tables;
const sweeps = [
  ...(["crash-before", "crash-after", "lost-reply", "conflict"] as const).map((fault) => ({
    ...inProcess,
    fault,
  })),
  { ...onEmulator, fault: "crash-after" as const },
];

test.each(sweeps)(
  "one trial runs once and is charged once, whichever call of the table meets $fault: $name",
  async ({ fault, makeWorld, stride }) => {
    for (let k = 0; ; k += stride) {
      const world = await makeWorld({ budget: { trials: 1, parallel: 1 } });
      let met = false;
      const restore = injectFaults(world.client, (_, call) => {
        if (call === k) met = true;
        return call === k ? fault : "none";
      });
      /** Every step is repeated by whoever waits for it, in a fresh process, until it is done. */
      const step = async <T>(run: (deps: ServiceDeps) => Promise<T>): Promise<T> => {
        for (let i = 0; i < 3; i++) {
          try {
            return await run(world.process());
          } catch (error) {
            if (!(error instanceof Crash)) throw error;
          }
        }
        throw new Error("never done");
      };
      await step((deps) => startStudy(deps, world.study, noReceipt));
      for (let i = 0; i < 4 && world.batch.alive().length === 0; i++) {
        const bodies = world.queue.take().map((message) => JSON.stringify(message));
        await step((deps) =>
          dispatchMessages(
            deps,
            bodies.map((body, id) => ({ id: String(id), body })),
          ),
        );
        world.clock.now += 61_000;
        await step((deps) => reconcile(deps, deps.clock() + 60_000));
      }
      const [job] = world.batch.alive();
      const attempt = Number(job?.environment.HONE_ATTEMPT);
      if (job === undefined) throw new Error(`no job came to be when call ${k} met ${fault}`);
      world.batch.run(job);
      const claimant = "claimant-0123456789";
      await step((deps) => claimTrial(deps, world.study, 0, { attempt, jobId: job.jobId, claimant }));
      world.clock.now += 7000;
      const told = { attempt, values: { accuracy: 0.5 } };
      await step((deps) => tellTrial(deps, world.study, 0, told, noReceipt));
      world.batch.succeed(job);
      await step((deps) => settleJob(deps, { ...job }));
      await step((deps) => reconcile(deps, deps.clock() + 60_000));
      restore();
      await world.reconcile();
      const { head } = await world.snapshot();
      expect(head, `call ${k}`).toMatchObject({ gpuSeconds: 7, started: false, next: 1 });
      expect(await world.trial(0), `call ${k}`).toMatchObject({ state: "completed", seconds: 7 });
      expect(world.batch.alive(), `call ${k}`).toEqual([]);
      if (!met) return;
    }
  },
  300_000,
);
