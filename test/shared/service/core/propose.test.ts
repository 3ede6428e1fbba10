import { expect, test } from "vitest";
import { algorithms } from "../../../../shared/optimizer/registry.ts";
import type { ServiceDeps } from "../../../../shared/service/core/deps.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { proposeTrials } from "../../../../shared/service/core/propose.ts";
import { readSnapshot } from "../../../../shared/service/core/snapshot.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { putHint } from "../../../../shared/store/hint.ts";
import { hintKey } from "../../../../shared/store/keys.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { before, UPDATE } from "../../../support/interleave.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";
import { NOON } from "../../../support/study.ts";

/** A study asked and told so often that the model speaks. */
const begun = async (deps: ServiceDeps, trials = 8, name: "gp" | "smac" | "rbf" = "gp") => {
  const study = await makeStudy(deps, { algorithm: { name, seed: 1 } });
  for (let i = 0; i < trials; i++) await askAndTell(deps, study);
  return study;
};

const askAndTell = async (deps: ServiceDeps, study: Awaited<ReturnType<typeof makeStudy>>) => {
  const { trials } = await askTrials(deps, study, { count: 1 }, noReceipt);
  const [trial] = trials;
  if (trial === undefined) throw new Error("no trial");
  const accuracy = -(Math.log(Number(trial.params.C)) ** 2);
  await tellTrial(deps, study, trial.number, { attempt: trial.attempt, values: { accuracy } }, noReceipt);
  return trial;
};

test("a fitted model's hyperparameters reach a process without caches", async () => {
  const { client, tableName: table } = await createTestTable();
  const warm = testDeps(client, table);
  const study = await begun(warm);
  const cold = testDeps(client, table);
  const { hint } = await readSnapshot(cold, await loadStudy(cold, TEAM, study.id));
  expect(hint).toMatchObject({ algorithm: "gp" });
  expect(hint?.trials).toBeGreaterThanOrEqual(4);
  expect(hint?.values.every(Number.isFinite)).toBe(true);
  expect((await askAndTell(cold, study)).algorithm).toBe("gp");
});

test("a hint that is broken, or of another algorithm or revision, is ignored", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await begun(deps);
  for (const hint of [
    { algorithm: "gp" as const, revision: 999, trials: 100, values: [1, 2, 3] },
    { algorithm: "tpe" as const, revision: 1000, trials: 100, values: [] },
    { algorithm: "gp" as const, revision: algorithms.gp.revision, trials: 1e6, values: [Number.NaN] },
  ]) {
    await deps.store.update(putHint(study.id, hint, Date.now()));
    expect((await askAndTell(deps, study)).algorithm).toBe("gp");
  }
  await deps.store.transact([{ name: "garbage", key: hintKey(study.id), put: { values: "what?" } }]);
  expect((await readSnapshot(deps, study)).hint).toBeNull();
  expect((await askAndTell(deps, study)).algorithm).toBe("gp");
});

test("asks with a hint still use the model, and a hint is written only when the trials have grown by a tenth", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await begun(deps, 4);
  const made = new Set<number>();
  for (let i = 0; i < 30; i++) {
    expect((await askAndTell(deps, study)).algorithm).toBe("gp");
    made.add((await readSnapshot(deps, study)).hint?.trials ?? 0);
  }
  expect(made.size).toBeGreaterThan(5);
  const sizes = [...made].sort((a, b) => a - b);
  for (const [i, size] of sizes.slice(1).entries()) expect(size).toBeGreaterThanOrEqual(1.1 * sizes[i]!);
});

test.each(["crash-before", "throttle", "lost-reply"] as const)(
  "a hint whose write ends in %s fails no ask and loses no trial",
  async (fault) => {
    const { client, tableName: table } = await createTestTable({ maxAttempts: 2 });
    const logged: string[] = [];
    const deps = testDeps(client, table, { now: Date.now() }, { log: (event) => logged.push(event) });
    const study = await begun(deps, 4);
    const before = (await readSnapshot(deps, study)).hint;
    // Of what an ask does, only the hint is an update by itself.
    const restore = injectFaults(client, (command) => (command === "UpdateItemCommand" ? fault : "none"));
    const { trials } = await askTrials(deps, study, { count: 1 }, noReceipt);
    restore();
    expect(trials).toMatchObject([{ number: 4, algorithm: "gp" }]);
    // After a lost reply the hint is there, and the repeated write finds its own.
    expect(logged).toEqual(fault === "lost-reply" ? [] : ["follow-up-failed"]);
    expect((await readSnapshot(deps, study)).trials).toHaveLength(5);
    if (fault !== "lost-reply") expect((await readSnapshot(deps, study)).hint).toEqual(before);
  },
);

test.each(["gp", "smac", "rbf"] as const)(
  "%s, when its time runs out, answers all the same, and says so",
  async (name) => {
    const { client, tableName: table } = await createTestTable();
    const clock = { now: Date.now() };
    const deps = testDeps(client, table, clock);
    const study = await begun(deps, 12, name);
    const patient = await askTrials(deps, study, { count: 1 }, noReceipt);
    expect(patient.trials[0]?.why).not.toContain("cut short");
    // Every look at the clock finds that three seconds have passed.
    const hasty: ServiceDeps = {
      ...deps,
      clock: () => {
        clock.now += 3000;
        return clock.now;
      },
    };
    const { trials } = await askTrials(hasty, study, { count: 3 }, noReceipt);
    expect(trials).toHaveLength(3);
    expect(trials[0]?.algorithm).toBe(name);
    expect(trials.some(({ why }) => why.includes("cut short for time"))).toBe(true);
  },
);

test("a newer hint that another ask keeps meanwhile stays, and the ask does not fail for it", async () => {
  const { client, tableName: table } = await createTestTable();
  const lines: string[] = [];
  const deps = testDeps(client, table, { now: NOON }, { log: (event) => lines.push(event) });
  const study = await begun(deps, 4);
  const newer = {
    algorithm: "gp" as const,
    revision: algorithms.gp.revision,
    trials: 1000,
    values: [0, 0, 0, 0],
  };
  // Of what an ask does, only the hint is an update by itself.
  let kept = false;
  before(client, UPDATE, async () => {
    kept = true;
    await deps.store.update(putHint(study.id, newer, NOON));
  });
  expect((await askTrials(deps, study, { count: 1 }, noReceipt)).trials).toHaveLength(1);
  expect(kept).toBe(true);
  expect((await readSnapshot(deps, study)).hint?.trials).toBe(1000);
  expect(lines).toEqual([]);
});

test("new trials are numbered from the head's counter on, queued, and say who chose them", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table, { now: NOON });
  const study = await makeStudy(deps, { budget: { trials: 10 } });
  await askTrials(deps, study, { count: 3 }, noReceipt);
  const { trials, exhausted } = await proposeTrials(deps, await readSnapshot(deps, study), 2);
  expect(exhausted).toBe(false);
  expect(trials.map(({ number }) => number)).toEqual([3, 4]);
  expect(trials[0]).toMatchObject({
    state: "queued",
    attempt: 0,
    algorithm: "random",
    created: NOON,
    job: null,
  });
  // Nothing is written: the use case decides what becomes of them.
  expect((await readSnapshot(deps, study)).head.next).toBe(3);
});

test("the same snapshot gives the same proposals, by a warm process and by a cold one", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table, { now: NOON });
  const study = await makeStudy(deps, { algorithm: { name: "tpe", seed: 3, startup: 2 } });
  for (let i = 0; i < 4; i++) await askAndTell(deps, study);
  const snapshot = await readSnapshot(deps, study);
  const warm = await proposeTrials(deps, snapshot, 3);
  expect(await proposeTrials(testDeps(client, table, { now: NOON }), snapshot, 3)).toEqual(warm);
});

test("no more is proposed than the budget has, and nothing once the space is exhausted", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await makeStudy(deps, { budget: { trials: 3 } });
  const snapshot = await readSnapshot(deps, study);
  expect((await proposeTrials(deps, snapshot, 5)).trials).toHaveLength(3);
  expect(await proposeTrials(deps, snapshot, 0)).toEqual({ trials: [], exhausted: false });
  const head = { ...snapshot.head, exhausted: true };
  expect(await proposeTrials(deps, { ...snapshot, head }, 5)).toEqual({ trials: [], exhausted: true });
});

test("an algorithm that finds fewer than were wanted has exhausted the space", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await makeStudy(deps, {
    space: { x: { type: "categorical", choices: ["a", "b"] } },
    algorithm: { name: "grid" },
  });
  const { trials, exhausted } = await proposeTrials(deps, await readSnapshot(deps, study), 5);
  expect(trials.map(({ params }) => params.x).sort()).toEqual(["a", "b"]);
  expect(exhausted).toBe(true);
});

test.each(["minimize", "maximize"] as const)(
  "a penalty costs what a failure costs, whatever its size: %s",
  async (direction) => {
    const { client, tableName: table } = await createTestTable();
    const deps = testDeps(client, table);
    const sign = direction === "minimize" ? 1 : -1;
    /** The last trial of a study in which a small C goes wrong, and how its user says so. */
    const lastOf = async (penalty: number | null) => {
      const objectives = [{ metric: "score", direction }];
      const study = await makeStudy(deps, { algorithm: { name: "gp", seed: 1 }, objectives });
      for (let i = 0; ; i++) {
        const { trials } = await askTrials(deps, study, { count: 1 }, noReceipt);
        const { number, attempt, params, why } = trials[0]!;
        if (i === 12) return { params, why };
        const score = sign * ((Math.log(Number(params.C)) - 2) ** 2 + Math.log(Number(params.gamma)) ** 2);
        const isWrong = Number(params.C) < 1;
        const end =
          isWrong && penalty === null
            ? { failed: { reason: "diverged" } }
            : { values: { score: isWrong && penalty !== null ? sign * penalty : score } };
        await tellTrial(deps, study, number, { attempt, ...end }, noReceipt);
      }
    };
    const told = await lastOf(null);
    for (const penalty of [1e6, 1e10, 1e100]) expect(await lastOf(penalty)).toEqual(told);
  },
);

test("trials of a bracket that begins higher trust the prior more", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await makeStudy(deps, {
    algorithm: { name: "priorband", seed: 1 },
    scheduler: { name: "hyperband", resource: { name: "epochs", min: 1, max: 9 }, eta: 3 },
    budget: { trials: 300, parallel: 300 },
  });
  for (let i = 0; i < 4; i++) await askTrials(deps, study, { count: 90 }, noReceipt);
  const { trials } = await readSnapshot(deps, study);
  expect(trials).toHaveLength(300);
  for (const bracket of [0, 1, 2]) {
    const begun = trials.filter((trial) => trial.bracket === bracket);
    const uniform = begun.filter(({ why }) => why === "drawn uniformly").length / begun.length;
    const expected = 1 / (1 + 3 ** bracket);
    const spread = Math.sqrt((expected * (1 - expected)) / begun.length);
    expect(Math.abs(uniform - expected)).toBeLessThan(3 * spread);
  }
});
