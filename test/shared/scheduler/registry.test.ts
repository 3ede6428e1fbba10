import fc from "fast-check";
import { expect, test } from "vitest";
import type * as z from "zod";
import { SchedulerChoice, schedulers } from "../../../shared/scheduler/registry.ts";
import { type SchedulerCase, schedulerContract } from "../../support/contracts/scheduler.ts";
import { stopWorst } from "../../support/schedulers.ts";

type OptionsOf<K extends keyof typeof schedulers> = z.infer<z.ZodObject<(typeof schedulers)[K]["options"]>>;

const client = { executor: "client", objectives: 1, trials: 20 } as const;
const batch = { executor: "batch", objectives: 1, trials: 20 } as const;

const epochs = (min: number, max: number) => ({ name: "epoch", min, max });

const anyLadder = fc
  .tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 500 }))
  .map(([min, more]) => epochs(min, min + more));
const anyEta = fc.integer({ min: 2, max: 16 });
const anySetting = fc.constantFrom(client, batch, { ...client, objectives: 2 });
const upsideDown = { resource: epochs(9, 3) };

/** Every entry of the registry has its case; one that is missing does not compile. */
const cases: { readonly [K in keyof typeof schedulers]: SchedulerCase<OptionsOf<K>> } = {
  none: {
    kind: schedulers.none,
    accepted: fc.record({ options: fc.constant({}), setting: anySetting }),
    refused: [],
  },
  median: {
    kind: schedulers.median,
    accepted: fc.record({
      options: fc.record({ resource: anyLadder, startup: anyEta }),
      setting: anySetting,
    }),
    refused: [
      { options: upsideDown, setting: client, pointer: "/scheduler/resource/min" },
      { options: { resource: epochs(1, 5000), every: 1 }, setting: client, pointer: "/scheduler/every" },
    ],
  },
  sha: {
    kind: schedulers.sha,
    accepted: fc.record({ options: fc.record({ resource: anyLadder, eta: anyEta }), setting: anySetting }),
    refused: [
      { options: upsideDown, setting: batch, pointer: "/scheduler/resource/min" },
      {
        options: { resource: epochs(1, 9) },
        setting: { ...batch, trials: 20_000 },
        pointer: "/budget/trials",
      },
    ],
  },
  asha: {
    kind: schedulers.asha,
    accepted: fc.record({
      options: fc.record({
        resource: anyLadder,
        eta: anyEta,
        type: fc.constantFrom("stopping" as const, "promotion" as const),
      }),
      setting: anySetting,
    }),
    refused: [{ options: upsideDown, setting: client, pointer: "/scheduler/resource/min" }],
  },
  pasha: {
    kind: schedulers.pasha,
    accepted: fc.record({ options: fc.record({ resource: anyLadder, eta: anyEta }), setting: anySetting }),
    refused: [{ options: upsideDown, setting: client, pointer: "/scheduler/resource/min" }],
  },
  hyperband: {
    kind: schedulers.hyperband,
    accepted: fc.record({
      options: fc.record({
        resource: anyLadder,
        eta: anyEta,
        type: fc.constantFrom("stopping" as const, "promotion" as const, "synchronous" as const),
      }),
      setting: anySetting,
    }),
    refused: [{ options: upsideDown, setting: client, pointer: "/scheduler/resource/min" }],
  },
  "freeze-thaw": {
    kind: schedulers["freeze-thaw"],
    accepted: fc.record({
      options: fc.record({ resource: anyLadder, eta: anyEta }),
      setting: fc.constantFrom(client, batch),
    }),
    refused: [
      { options: upsideDown, setting: client, pointer: "/scheduler/resource/min" },
      {
        options: { resource: epochs(1, 9) },
        setting: { ...client, objectives: 2 },
        pointer: "/scheduler/name",
      },
    ],
  },
  segments: {
    kind: schedulers.segments,
    accepted: fc.record({ options: fc.record({ resource: anyLadder }), setting: anySetting }),
    refused: [
      { options: upsideDown, setting: client, pointer: "/scheduler/resource/min" },
      { options: { resource: epochs(1, 1001) }, setting: client, pointer: "/scheduler/resource/min" },
    ],
  },
};

const runContract = <K extends keyof typeof schedulers>(name: K) =>
  schedulerContract<OptionsOf<K>>(cases[name]);
for (const name of Object.keys(cases) as (keyof typeof schedulers)[]) runContract(name);
// An asynchronous scheduler that only tests use: the contract is wide enough for one.
schedulerContract({
  kind: stopWorst,
  accepted: fc.record({ options: fc.constant({ at: 3 }), setting: fc.constant(client) }),
  refused: [],
});

test("every name of the registry is one that a study may ask for, and the other way round", () => {
  const names = SchedulerChoice.options.map((option) => option.shape.name.value);
  expect(names.sort()).toEqual(Object.keys(schedulers).sort());
  for (const [name, kind] of Object.entries(schedulers)) {
    expect(kind.name).toBe(name);
    expect(kind.revision).toBeGreaterThanOrEqual(1);
  }
});
