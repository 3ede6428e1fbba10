import { randomLetters } from "../../letters.ts";
import { algorithms } from "../../optimizer/registry.ts";
import { resolveScheduler, schedulers } from "../../scheduler/registry.ts";
import type { CreateStudyBody, Study } from "../../schemas/study.ts";
import { firstHead, newHead } from "../../store/head.ts";
import { newSpec } from "../../store/spec.ts";
import { countStudy } from "../../store/team.ts";
import { checkStudy } from "../../study/check.ts";
import { NO_REPEATS, type StudySpec } from "../../study/study.ts";
import { creationRefusals } from "../access/creation-limits.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { describe, planned, type RememberedStudy, recallStudy } from "../core/describe.ts";
import { firstListing } from "../core/listing.ts";
import { loadStudy, studyOf } from "../core/load.ts";

const DEFAULT_PARALLEL = { client: 1000, batch: 4 } as const;
const DEFAULT_LEASE = { seconds: 300, maxAttempts: 3 } as const;
const ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
/** An id is the study's name, as much as fits, and this many random letters. */
const SUFFIX = 6;
const MAX_NAME = 56;

/**
 * Creates a study; it runs at once, a batch study when it is started.
 * @throws InvalidInput naming the field, RateLimited when the team creates too many, StudyNotFound when the creation is repeated
 * and its study was deleted since.
 */
export const createStudy = (
  deps: ServiceDeps,
  team: string,
  body: CreateStudyBody,
  write: WriteContext,
): Promise<Study> => {
  const plan = async () => {
    const spec = completeSpec(deps, team, body);
    const study = studyOf(
      `${spec.name.slice(0, MAX_NAME)}-${randomLetters(deps.randomBytes, ID_LETTERS, SUFFIX)}`,
      spec,
    );
    const budget = completeBudget(spec, body);
    checkStudy(spec, study.space, budget);
    const head = firstHead(study.id, budget, {
      algorithmRevision: algorithms[spec.algorithm.name].revision,
      schedulerRevision: schedulers[spec.scheduler.name].revision,
    });
    const now = deps.clock();
    const snapshot = { study, head, hint: null, trials: [] };
    const changes = [
      newHead(head),
      newSpec(study.id, spec),
      await firstListing(deps, snapshot, now),
      ...countStudy(team, now),
    ];
    return { ...planned(changes, await describe(deps, snapshot)), refusals: creationRefusals(now) };
  };
  const recall = async (remembered: RememberedStudy) =>
    recallStudy(deps, await loadStudy(deps, team, remembered.study), remembered);
  return commit(deps, write, plan, { recall });
};

const completeSpec = (deps: ServiceDeps, team: string, body: CreateStudyBody): StudySpec => {
  const algorithm = body.algorithm ?? { name: "auto" };
  const executor = body.executor ?? { type: "client" as const };
  const [a = 0, b = 0, c = 0, d = 0] = deps.randomBytes(4);
  return {
    name: body.name,
    team,
    created: deps.clock(),
    space: body.space,
    constraints: body.constraints ?? [],
    forbidden: body.forbidden ?? [],
    objectives: body.objectives,
    outcomes: body.outcomes ?? [],
    algorithm,
    seed: algorithm.seed ?? ((a << 24) | (b << 16) | (c << 8) | d) >>> 0,
    ...schedulerFor(body, executor.type),
    lease: { ...DEFAULT_LEASE, ...body.lease },
    repeats: { ...NO_REPEATS, ...body.repeats },
    executor,
    tables: tablesFor(body.budget.parallel ?? DEFAULT_PARALLEL[executor.type]),
  };
};

const schedulerFor = (
  { scheduler = { name: "none" }, objectives, budget }: CreateStudyBody,
  executor: StudySpec["executor"]["type"],
): Pick<StudySpec, "scheduler" | "schedulerWhy"> => {
  const { choice, why } = resolveScheduler(scheduler, {
    executor,
    objectives: objectives.length,
    trials: budget.trials,
  });
  return { scheduler: choice, ...(why !== null && { schedulerWhy: why }) };
};

/** So many trials at once share a table of a rung. */
const RUNNING_PER_TABLE = 16;
const MOST_TABLES = 8;

const tablesFor = (parallel: number): number =>
  Math.min(MOST_TABLES, Math.ceil(parallel / RUNNING_PER_TABLE));

const completeBudget = ({ executor }: StudySpec, { budget }: CreateStudyBody) => ({
  trials: budget.trials,
  parallel: budget.parallel ?? DEFAULT_PARALLEL[executor.type],
  gpuHours: budget.gpuHours ?? 0,
  dollars: budget.dollars ?? 0,
});
