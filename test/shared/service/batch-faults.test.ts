import fc from "fast-check";
import { expect, test } from "vitest";
import { claimTrial } from "../../../shared/service/batch/claim.ts";
import { dispatchMessages } from "../../../shared/service/batch/dispatch.ts";
import { settleJob } from "../../../shared/service/batch/settle.ts";
import { startStudy } from "../../../shared/service/batch/start.ts";
import type { ServiceDeps } from "../../../shared/service/core/deps.ts";
import { reconcile } from "../../../shared/service/repair/reconcile.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { batchWorld, halvingScheduler } from "../../support/batch.ts";
import { Crash, injectFaults } from "../../support/faults.ts";
import { noReceipt } from "../../support/service.ts";
import { play } from "../../support/simulation.ts";

const anyStory = fc.record({ seed: fc.nat(), steps: fc.integer({ min: 40, max: 160 }) });

test("whatever is lost, doubled, late or killed, every trial of a batch study ends once and the invariants hold", async () => {
  await fc.assert(
    fc.asyncProperty(anyStory, fc.integer({ min: 1, max: 3 }), async (story, parallel) => {
      const { violations } = await play({ ...story, study: { budget: { trials: 6, parallel } } });
      expect(violations).toEqual([]);
    }),
    { numRuns: 8, seed: 4, endOnFailure: true },
  );
}, 300_000);

test("the same for a study in rounds, whose promotions follow from the told values alone", async () => {
  await fc.assert(
    fc.asyncProperty(anyStory, async (story) => {
      const study = { budget: { trials: 9, parallel: 3 }, scheduler: halvingScheduler };
      const { violations } = await play({ ...story, study });
      expect(violations).toEqual([]);
    }),
    { numRuns: 6, seed: 5, endOnFailure: true },
  );
}, 300_000);

test.each(["crash-before", "crash-after", "lost-reply"] as const)(
  "one trial runs once and is charged once, whichever call of the table meets %s",
  async (fault) => {
    for (let k = 0; ; k++) {
      const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
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
