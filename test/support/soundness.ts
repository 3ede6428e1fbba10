import { findSnapshot } from "../../shared/service/core/snapshot.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import { listTrials } from "../../shared/service/trials/read.ts";
import { foldsOf } from "../../shared/study/parts.ts";
import { recordedGpuSeconds } from "./batch.ts";
import { type CrashWorld, itemsOf } from "./crash-points.ts";
import { ladderSoundness } from "./ladder-soundness.ts";
import { moneyFaults } from "./money-soundness.ts";

/**
 * What must hold of a world whatever failed in it, whoever died: I1 numbers and budget, I6 counts, I9 what was spent, I10
 * other studies, and that no job runs for nobody.
 * @returns what does not hold, in sentences.
 */
export const soundness = async (world: CrashWorld): Promise<string[]> => {
  const found: string[] = [];
  const complain = (sentence: string) => found.push(sentence);
  const deps = world.process();
  const { bystander } = world;
  if (JSON.stringify(untouched(world, bystander)) !== JSON.stringify(world.bystanderItems)) {
    complain("I10: another study was written");
  }
  const snapshot = await findSnapshot(deps, world.study);
  if (snapshot === null || snapshot.head.state === "deleting") return found;

  const { trials } = await listTrials(deps, world.study, { limit: 1000 });
  const { nested } = world.study.spec;
  trials.forEach(({ number }, i) => {
    if (nested === undefined && number !== i) complain(`I1: trial ${number} stands at place ${i}`);
  });
  if (new Set(trials.map(({ number }) => number)).size < trials.length) complain("I1: a number occurs twice");
  const study = await readStudy(deps, world.study);
  const used = trials.filter(({ algorithm }) => algorithm !== "import").length;
  // Each search has the budget for itself, and each winner a refit.
  const most = nested === undefined ? study.budget.trials : foldsOf(nested) * (study.budget.trials + 1);
  if (used > most) complain(`I1: ${used} trials of a budget of ${most}`);
  const tally = (state: string) => trials.filter((trial) => trial.state === state).length;
  for (const [state, count] of Object.entries(study.trials)) {
    if (count !== tally(state))
      complain(`I6: ${tally(state)} trials are ${state}, the study counts ${count}`);
  }
  // Each search may run as many at once, beside each refit.
  const atOnce = study.budget.parallel ?? 0;
  const mostAtOnce = nested === undefined ? atOnce : foldsOf(nested) * (atOnce + 1);
  if (tally("running") > mostAtOnce) complain(`${tally("running")} trials run at once`);
  for (const { number, state, values, finished } of trials) {
    const isOver = state === "completed" || state === "pruned" || state === "failed";
    if (isOver && finished === null) complain(`I3: trial ${number} is ${state} and has not ended`);
    if (state === "completed" && values === null) complain(`I4: trial ${number} is completed without values`);
  }
  const recorded = recordedGpuSeconds(world.study, snapshot.trials);
  if (snapshot.head.segments === 0 && snapshot.head.gpuSeconds !== recorded) {
    complain(`I9: ${snapshot.head.gpuSeconds} GPU s, of which ${recorded} are recorded`);
  }
  // A world of a client's study has no other that costs anything, but for one that is deleted and leaves what it has cost.
  const isBatch = world.study.spec.executor.type === "batch";
  if (isBatch && snapshot.head.segments === 0)
    found.push(...(await moneyFaults(deps, world.study.team, [world.study])));
  found.push(...(await ladderSoundness(deps, world.study)));
  return found;
};

/** The items that belong to a study, in an order that says nothing. */
export const untouched = (world: Pick<CrashWorld, "table">, study: string): string[] =>
  itemsOf(world).filter((item) => item.includes(study));
