import { expect, test } from "vitest";
import { askTrials } from "../../../shared/service/ask.ts";
import type { ServiceDeps } from "../../../shared/service/deps.ts";
import { readOpen } from "../../../shared/service/snapshot.ts";
import { loadStudy } from "../../../shared/service/study.ts";
import { tellTrial } from "../../../shared/service/tell.ts";
import { putHint } from "../../../shared/store/hint.ts";
import { hintKey } from "../../../shared/store/keys.ts";
import { createTestTable } from "../../support/emulator.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../support/service.ts";

/** A study asked and told so often that the model speaks. */
const begun = async (deps: ServiceDeps, trials = 8) => {
  const study = await makeStudy(deps, { algorithm: { name: "gp", seed: 1 } });
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

test("a fitted model's hyperparameters reach a process that knows nothing", async () => {
  const { client, tableName: table } = await createTestTable();
  const warm = testDeps(client, table);
  const study = await begun(warm);
  const cold = testDeps(client, table);
  const { hint } = await readOpen(cold, await loadStudy(cold, TEAM, study.id));
  expect(hint).toMatchObject({ algorithm: "gp" });
  expect(hint?.trials).toBeGreaterThanOrEqual(4);
  expect(hint?.values.every(Number.isFinite)).toBe(true);
  expect((await askAndTell(cold, study)).algorithm).toBe("gp");
});

test("a hint that is broken, or of another algorithm or revision, is passed over", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await begun(deps);
  for (const hint of [
    { algorithm: "gp" as const, revision: 999, trials: 100, values: [1, 2, 3] },
    { algorithm: "tpe" as const, revision: 1000, trials: 100, values: [] },
    { algorithm: "gp" as const, revision: 1, trials: 1e6, values: [Number.NaN] },
  ]) {
    await deps.store.transact([putHint(study.id, hint, Date.now())]);
    expect((await askAndTell(deps, study)).algorithm).toBe("gp");
  }
  await deps.store.transact([{ name: "garbage", key: hintKey(study.id), put: { values: "what?" } }]);
  expect((await readOpen(deps, study)).hint).toBeNull();
  expect((await askAndTell(deps, study)).algorithm).toBe("gp");
});

test("an older hint does not replace a newer one, and an ask does not fail for it", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await begun(deps, 4);
  const newer = { algorithm: "gp" as const, revision: 1, trials: 1000, values: [0, 0, 0, 0] };
  await deps.store.transact([putHint(study.id, newer, Date.now())]);
  await expect(
    deps.store.transact([putHint(study.id, { ...newer, trials: 999 }, Date.now())]),
  ).rejects.toThrow("hint");
  await askAndTell(deps, study);
  expect((await readOpen(deps, study)).hint?.trials).toBe(1000);
});

test("an algorithm that runs out of time answers all the same, and says so", async () => {
  const { client, tableName: table } = await createTestTable();
  const clock = { now: Date.now() };
  const deps = testDeps(client, table, clock);
  const study = await begun(deps);
  // Every look at the clock finds that a second has passed.
  const hasty: ServiceDeps = { ...deps, clock: () => (clock.now += 3000) };
  const { trials } = await askTrials(hasty, study, { count: 1 }, noReceipt);
  expect(trials[0]?.why).toContain("cut short for time");
});
