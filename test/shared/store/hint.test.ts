import { expect, test } from "vitest";
import type { Hint } from "../../../shared/optimizer/algorithm.ts";
import type { ServiceDeps } from "../../../shared/service/core/deps.ts";
import { readSnapshot } from "../../../shared/service/core/snapshot.ts";
import { askTrials } from "../../../shared/service/trials/ask.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { putHint } from "../../../shared/store/hint.ts";
import { createTestTable } from "../../support/emulator.ts";
import { makeStudy, noReceipt, testDeps } from "../../support/service.ts";

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

test("an older hint does not replace a newer one, and an ask does not fail for it", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await begun(deps, 4);
  const newer = { algorithm: "gp" as const, revision: 1, trials: 1000, values: [0, 0, 0, 0] };
  await deps.store.update(putHint(study.id, newer, Date.now()));
  await expect(deps.store.update(putHint(study.id, { ...newer, trials: 999 }, Date.now()))).rejects.toThrow(
    "hint",
  );
  await askAndTell(deps, study);
  expect((await readSnapshot(deps, study)).hint?.trials).toBe(1000);
});

test("a hint of another algorithm, or of another revision, gives way to one of fewer trials", async () => {
  const { client, tableName: table } = await createTestTable();
  const deps = testDeps(client, table);
  const study = await makeStudy(deps);
  const keep = (hint: Hint) => deps.store.update(putHint(study.id, hint, Date.now()));
  const kept = async () => (await readSnapshot(deps, study)).hint;
  const hints: Hint[] = [
    { algorithm: "gp", revision: 1, trials: 1000, values: [1, 2] },
    { algorithm: "smac", revision: 1, trials: 10, values: [3] },
    { algorithm: "smac", revision: 2, trials: 5, values: [] },
  ];
  for (const hint of hints) {
    await keep(hint);
    expect(await kept()).toEqual(hint);
  }
});
