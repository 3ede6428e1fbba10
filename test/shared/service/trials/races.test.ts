import { expect, test } from "vitest";
import type { LeasedTrial } from "../../../../shared/schemas/trial.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { noiseOf } from "../../../support/races.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (trials: number, change: Parameters<typeof clientWorld>[1] = {}) =>
  clientWorld(table, {
    algorithm: { name: "irace", seed: 1, test: "t-test", firstTest: 2 },
    evaluation: { type: "instances", names: ["a", "b", "c", "d", "e", "f"] },
    budget: { trials },
    ...change,
  });
type World = Awaited<ReturnType<typeof setUp>>;

const accuracyOf = ({ params, instance = 0, configuration = 0 }: LeasedTrial): number =>
  1 -
  Math.abs(Math.log10(Number(params.C)) - 1) / 5 -
  instance / 100 +
  noiseOf(1, configuration, instance) / 100;

/** Works on a study until it hands out nothing, each ask in a fresh process or a warm one. */
const work = async ({ ask, tell, process, study }: World, isCold = false): Promise<LeasedTrial[]> => {
  const all: LeasedTrial[] = [];
  for (;;) {
    const reply = isCold
      ? await askTrials(process(), study, { count: 7, worker: "w" }, noReceipt)
      : await ask("w", 7);
    if (reply.trials.length === 0) return all;
    all.push(...reply.trials);
    for (const trial of reply.trials) await tell(trial.number, accuracyOf(trial));
  }
};

test("a race goes on to its end over folded trials, and the study shows who survived which instance", async () => {
  const world = await setUp(160);
  const trials = await work(world);
  const study = await world.read();
  expect((await world.snapshot()).head.segments).toBeGreaterThan(0);
  expect(study.state).toBe("finished");
  const [first, ...others] = study.races ?? [];
  expect(others.length).toBeGreaterThan(0);
  expect(first?.steps.map(({ instanceName }) => instanceName).slice(0, 2)).toEqual(["a", "b"]);
  for (const { steps, survivors } of study.races ?? []) {
    for (const [i, { alive, eliminated }] of steps.entries()) {
      const left = steps[i + 1]?.alive ?? survivors.length;
      expect(alive - eliminated.length).toBe(left);
    }
  }
  const [winner] = study.races?.at(-1)?.survivors ?? [];
  expect(study.best[0]).toMatchObject({ number: winner, results: 6 });
  expect(trials.filter(({ configuration }) => configuration === winner)).toHaveLength(6);
});

test("a study that shuffles its instances takes each of them once before any gets another seed", async () => {
  const { ask } = await setUp(200, {
    algorithm: { name: "irace", seed: 2, test: "t-test-holm", firstTest: 10, shuffle: true },
    evaluation: { type: "instances", names: ["a", "b", "c", "d", "e"], seeds: 2 },
  });
  const { trials } = await ask("w", 90);
  const first = trials.filter(({ configuration }) => configuration === 0);
  const names = first.map(({ instanceName }) => instanceName);
  expect(names.slice(0, 5).toSorted()).toEqual(["a", "b", "c", "d", "e"]);
  expect(names.slice(0, 5)).not.toEqual(["a", "b", "c", "d", "e"]);
  expect(new Set(first.slice(0, 5).map(({ seed }) => seed)).size).toBe(5);
});

test("a cold process asks for the same runs as a warm one", async () => {
  const runOf = ({ configuration, instance, params }: LeasedTrial) => ({ configuration, instance, params });
  const warm = await work(await setUp(100));
  const cold = await work(await setUp(100), true);
  expect(cold.map(runOf)).toEqual(warm.map(runOf));
});

test("an ask that comes while a test waits for results gets nothing, and the study goes on", async () => {
  const { ask, tell, read } = await setUp(100);
  const { trials } = await ask("w1", 90);
  const blocked = await ask("w2", 5);
  expect(blocked).toMatchObject({ trials: [], state: "running" });
  expect(blocked.retryAfter).toBeGreaterThan(0);
  expect(new Set(trials.map(({ instance }) => instance))).toEqual(new Set([0, 1]));
  const [last, ...rest] = trials;
  for (const trial of rest) await tell(trial.number, accuracyOf(trial));
  expect((await ask("w2", 5)).trials).toEqual([]);
  if (last !== undefined) await tell(last.number, accuracyOf(last));
  expect((await ask("w2", 5)).trials.length).toBeGreaterThan(0);
  expect((await read()).state).toBe("running");
});

test("a lost run is run again, and until then its instance is not decided", async () => {
  const { ask, tell, clock } = await setUp(100);
  const { trials } = await ask("w1", 90);
  const [lost, ...rest] = trials;
  for (const trial of rest) await tell(trial.number, accuracyOf(trial));
  clock.now += 60_001;
  const [again] = (await ask("w2")).trials;
  expect(again).toMatchObject({ number: lost?.number, attempt: 2, seed: lost?.seed, params: lost?.params });
  expect((await ask("w3")).trials).toEqual([]);
});

test("a race whose runs all fail ends without a best configuration", async () => {
  const { ask, deps, study, read } = await setUp(72);
  for (;;) {
    const { trials } = await ask("w", 20);
    if (trials.length === 0) break;
    for (const { number } of trials) {
      await tellTrial(deps, study, number, { attempt: 1, failed: { reason: "diverged" } }, noReceipt);
    }
  }
  expect(await read()).toMatchObject({ state: "finished", best: [] });
});

test("a larger budget lets a study whose races were over go on", async () => {
  const world = await setUp(100);
  await work(world);
  const before = await world.read();
  expect(before.state).toBe("finished");
  await patchStudy(world.deps, world.study, { budget: { trials: 200 } }, noReceipt);
  const more = await work(world);
  expect(more.length).toBeGreaterThan(20);
  const after = (await readStudy(world.deps, world.study)).races ?? [];
  expect(after[0]?.steps).toEqual(before.races?.[0]?.steps);
});

test.each([
  { change: { evaluation: undefined }, pointer: "/evaluation" },
  { change: { evaluation: { type: "instances", count: 1 } }, pointer: "/algorithm/firstTest" },
  { change: { budget: { trials: 71 } }, pointer: "/algorithm" },
  {
    change: { objectives: ["a", "b"].map((metric) => ({ metric, direction: "minimize" as const })) },
    pointer: "/algorithm",
  },
] as const)("what cannot be raced is refused: $pointer", async ({ change, pointer }) => {
  await expect(setUp(100, change as Parameters<typeof clientWorld>[1])).rejects.toMatchObject({
    errors: [{ pointer }],
  });
});

const mine = [{ params: { C: 10, gamma: 0.1 } }, { params: { C: 9, gamma: 0.1 } }];

test("configurations of the client enter the first race, whose other configurations meet the same instances", async () => {
  const world = await setUp(160);
  const { deps, study, read } = world;
  await addTrials(deps, study, { trials: mine }, noReceipt);
  const trials = await work(world);
  expect(trials.slice(0, 2)).toMatchObject(
    mine.map(({ params }, number) => ({ number, params, configuration: number, instance: 0 })),
  );
  const { races = [] } = await read();
  const alone = (await setUp(160)).ask("w", 90);
  expect(races[0]?.steps[0]?.alive).toBe(
    new Set((await alone).trials.map(({ configuration }) => configuration)).size,
  );
  // The first one of them is the best there is.
  expect(races.at(-1)?.survivors).toContain(0);
  const firsts = trials.filter(({ instance }) => instance === 0).map(({ seed }) => seed);
  expect(new Set(firsts).size).toBe(1);
});

test("a race that has begun takes no configuration more", async () => {
  const { deps, study, ask } = await setUp(100);
  await ask("w");
  const added = addTrials(deps, study, { trials: mine }, noReceipt);
  await expect(added).rejects.toMatchObject({ type: "conflict", facts: { kind: "race-begun" } });
});

test("the first race takes as many configurations as it has, and no results from elsewhere", async () => {
  const { deps, study, ask } = await setUp(100);
  const many = Array.from({ length: 30 }, (_, i) => ({ params: { C: 1 + i, gamma: 0.1 } }));
  const add = (trials: Parameters<typeof addTrials>[2]["trials"]) =>
    addTrials(deps, study, { trials }, noReceipt);
  await expect(add(many)).rejects.toMatchObject({
    errors: [{ pointer: "/trials", fault: { kind: "race-full", wanted: 30 } }],
  });
  await expect(add([mine[0]!, { ...mine[1]!, values: { accuracy: 1 } }])).rejects.toMatchObject({
    errors: [{ pointer: "/trials/1/values" }],
  });
  const most = await add(many).catch(({ errors: [{ fault }] }) => Number(fault.entrants));
  await add(many.slice(0, Number(most) - 1));
  await add(mine.slice(0, 1));
  await expect(add(mine.slice(1))).rejects.toMatchObject({ errors: [{ fault: { kind: "race-full" } }] });
  const { trials } = await ask("w", 90);
  expect(new Set(trials.map(({ configuration }) => configuration)).size).toBe(most);
});
