import { randomLetters } from "../../letters.ts";
import type { Problem } from "../../optimizer/algorithm.ts";
import { completeChoice, continues } from "../../optimizer/choice.ts";
import { algorithms } from "../../optimizer/registry.ts";
import { resolveScheduler, schedulers } from "../../scheduler/registry.ts";
import type { CreateStudyBody, Study } from "../../schemas/study.ts";
import { firstHead, newHead } from "../../store/head.ts";
import { newSpec } from "../../store/spec.ts";
import type { Change } from "../../store/store.ts";
import { countStudy } from "../../store/team.ts";
import { checkStudy } from "../../study/check.ts";
import { type LoadedStudy, NO_REPEATS, type StudySpec } from "../../study/study.ts";
import { creationRefusals } from "../access/creation-limits.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { planned, type RememberedStudy } from "../core/describe.ts";
import { firstListing } from "../core/listing.ts";
import { loadStudy, studyOf } from "../core/load.ts";
import { describeParts, firstPartHeads, partsIn, recallWhole } from "../core/parts.ts";
import { warmStarted } from "./warm-start.ts";

const DEFAULT_PARALLEL = { client: 1000, batch: 4 } as const;
const DEFAULT_LEASE = { seconds: 300, maxAttempts: 3 } as const;
const ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
/** An id is the study's name, as much as fits, and this many random letters. */
const SUFFIX = 6;
const MAX_NAME = 56;

/** What creates a study, and the study that is answered then. */
export interface PlannedStudy {
  readonly study: LoadedStudy;
  readonly changes: readonly Change[];
  readonly answer: Study;
}

/**
 * Creates a study; it runs at once, a batch study when it is started.
 * @throws InvalidInput naming the field, RateLimited when the team creates too many, StudyNotFound when the creation is repeated
 * and its study was deleted since, or for an earlier study that the team does not have.
 */
export const createStudy = (
  deps: ServiceDeps,
  team: string,
  body: CreateStudyBody,
  write: WriteContext,
): Promise<Study> => {
  const plan = async () => {
    const id = `${body.name.slice(0, MAX_NAME)}-${randomId(deps)}`;
    const { study, changes, answer } = await planStudy(deps, team, body, id);
    return { ...planned(changes, answer), refusals: creationRefusals(study.spec.created) };
  };
  const recall = async (remembered: RememberedStudy) =>
    recallWhole(deps, await loadStudy(deps, team, remembered.study), remembered);
  return commit(deps, write, plan, { recall });
};

/** The random letters at the end of an id. */
export const randomId = ({ randomBytes }: Pick<ServiceDeps, "randomBytes">): string =>
  randomLetters(randomBytes, ID_LETTERS, SUFFIX);

/**
 * Checks the body of a study and plans its creation.
 * @param sweep of the firing that creates it.
 * @throws InvalidInput naming the field, StudyNotFound for an earlier study that the team does not have.
 */
export const planStudy = async (
  deps: ServiceDeps,
  team: string,
  body: CreateStudyBody,
  id: string,
  sweep?: StudySpec["sweep"],
): Promise<PlannedStudy> => {
  const budget = completeBudget(body);
  const { study, changes: earlier } = await warmStarted(
    deps,
    draftStudy(deps, team, body, id, sweep),
    body.warmStart?.studies ?? [],
  );
  const { spec } = study;
  checkStudy(spec, study.space, budget, study.rates);
  const revisions = {
    algorithmRevision: algorithms[spec.algorithm.name].revision,
    schedulerRevision: schedulers[spec.scheduler.name].revision,
  };
  const head = firstHead(study.id, budget, revisions);
  const heads = firstPartHeads(study, budget, revisions);
  const snapshot = { study, head, hint: null, trials: [] };
  const parts = partsIn(study).map((part, i) => ({ ...snapshot, study: part, head: heads[i] ?? head }));
  const changes = [
    newHead(head),
    ...heads.map(newHead),
    newSpec(study.id, spec),
    ...earlier,
    await firstListing(deps, snapshot, parts, spec.created),
    ...countStudy(team, spec.created),
  ];
  return { study, changes, answer: await describeParts(deps, snapshot, parts) };
};

/** A study as a body says, before anything of earlier studies is taken or checked. @throws InvalidInput when its search space is not valid. */
export const draftStudy = (
  deps: ServiceDeps,
  team: string,
  body: CreateStudyBody,
  id: string,
  sweep?: StudySpec["sweep"],
): LoadedStudy => {
  const asked = { ...completeSpec(deps, team, body), ...(sweep !== undefined && { sweep }) };
  const spec = completeAlgorithm(studyOf(id, asked, deps.prices), completeBudget(body));
  return studyOf(id, spec, deps.prices);
};

const completeSpec = (deps: ServiceDeps, team: string, body: CreateStudyBody): StudySpec => {
  const wanted = body.algorithm ?? { name: "auto" };
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
    algorithm: wanted,
    seed: wanted.seed ?? ((a << 24) | (b << 16) | (c << 8) | d) >>> 0,
    ...schedulerFor(body, wanted, executor.type),
    lease: { ...DEFAULT_LEASE, ...body.lease },
    repeats: { ...NO_REPEATS, ...body.repeats },
    ...evaluationIn(body),
    executor,
    labels: body.labels ?? {},
    tables: tablesFor(body.budget.parallel ?? DEFAULT_PARALLEL[executor.type]),
  };
};

/** What an algorithm's defaults depend on does not change with a later budget. */
const completeAlgorithm = (
  { spec, space, scheduler: { segments } }: LoadedStudy,
  budget: Problem["budget"],
): StudySpec => {
  const problem = { space, objectives: spec.objectives.length, budget, ...(segments && { segments }) };
  return { ...spec, algorithm: completeChoice(spec.algorithm, problem) };
};

const evaluationIn = ({ evaluation }: CreateStudyBody): Pick<StudySpec, "nested" | "evaluation"> => {
  if (evaluation === undefined) return {};
  if (evaluation.type !== "nested-cv") return { evaluation };
  const { outer, inner, seed = 0 } = evaluation;
  return {
    nested: {
      ...evaluation,
      outer: { kind: "plain", repeats: 1, ...outer },
      inner: { together: false, ...inner },
      seed,
    },
  };
};

const schedulerFor = (
  { scheduler = { name: "none" }, objectives, budget }: CreateStudyBody,
  algorithm: StudySpec["algorithm"],
  executor: StudySpec["executor"]["type"],
): Pick<StudySpec, "scheduler" | "schedulerWhy"> => {
  const { choice, why } = resolveScheduler(scheduler, {
    executor,
    objectives: objectives.length,
    trials: budget.trials,
    continues: continues(algorithm),
  });
  return { scheduler: choice, ...(why !== null && { schedulerWhy: why }) };
};

/** So many trials at once share a table of a rung. */
const RUNNING_PER_TABLE = 16;
const MOST_TABLES = 8;

const tablesFor = (parallel: number): number =>
  Math.min(MOST_TABLES, Math.ceil(parallel / RUNNING_PER_TABLE));

const completeBudget = ({ executor, budget }: CreateStudyBody) => ({
  trials: budget.trials,
  parallel: budget.parallel ?? DEFAULT_PARALLEL[executor?.type ?? "client"],
  gpuHours: budget.gpuHours ?? 0,
  dollars: budget.dollars ?? 0,
});
