import { StudyNotFound } from "../../errors.ts";
import { changeFiring, type FiringItem } from "../../store/firing.ts";
import type { SweepItem } from "../../store/sweep.ts";
import { tooOld } from "../../sweep/retention.ts";
import { commitOnce } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { deleteStudy } from "../studies/delete.ts";
import { type Fired, firedOf, firingsWithStudies } from "./progress.ts";

/** Studies that one pass looks at beyond those that are kept. */
const PASS = 20;

/**
 * Deletes the studies of firings that the sweep no longer keeps: those that are finished, and those that a later firing has stopped, unless
 * somebody has resumed them. What they came to stays with the firing.
 */
export const retire = async (deps: ServiceDeps, { sweep, team, keep }: SweepItem): Promise<void> => {
  if (keep === 0) return;
  const newer: Fired[] = [];
  let beyond = 0;
  let next: FiringItem["outcome"] | null = null;
  for await (const firing of firingsWithStudies(deps, sweep)) {
    if (beyond === PASS) return;
    // Whether one that is kept is finished does not matter.
    const fired = newer.length < keep ? asKept(firing) : await firedOf(deps, team, firing);
    if (newer.length >= keep) beyond++;
    const isReplaced = next === "replaced" && fired?.state === "paused";
    next = firing.outcome;
    if (fired === null) {
      await markGone(deps, firing);
      continue;
    }
    newer.push({ ...fired, isFinished: fired.isFinished || isReplaced });
    if (tooOld(newer, keep).at(-1) === fired.study) await retireStudy(deps, fired);
  }
};

const asKept = (firing: FiringItem): Fired => ({
  firing,
  state: "running",
  summary: null,
  study: firing.study ?? "",
  isFinished: false,
  completed: 0,
});

/** In steps of which each is committed: what the study came to is kept before it goes. */
const retireStudy = async (deps: ServiceDeps, { firing, study: id, summary }: Fired): Promise<void> => {
  const kept: FiringItem = { ...firing, kept: firing.kept ?? summary };
  if (firing.kept === null && !(await commitOnce(deps, [changeFiring(firing, kept)]))) return;
  const study = await loadStudyById(deps, id);
  try {
    if (study !== null) await deleteStudy(deps, study, noRequest);
  } catch (error) {
    if (!(error instanceof StudyNotFound)) throw error;
  }
  await markGone(deps, kept);
};

const markGone = (deps: ServiceDeps, firing: FiringItem): Promise<boolean> =>
  commitOnce(deps, [changeFiring(firing, { ...firing, gone: true })]);
