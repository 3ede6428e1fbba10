import { BudgetSpent, Conflict, StudyNotFound, Unavailable } from "../errors.ts";
import { algorithms } from "../optimizer/registry.ts";
import type {
  BestTrial,
  CreateStudyBody,
  Executor,
  PageQuery,
  PatchStudyBody,
  Study,
  StudyPage,
  TrialCounts,
} from "../schemas/study.ts";
import type { ServiceDeps, WriteContext } from "../service/core/deps.ts";
import { once } from "../service/core/once.ts";
import { readFolded, readOpen, type Snapshot } from "../service/core/snapshot.ts";
import { compileSpace } from "../space/compile.ts";
import type { Space } from "../space/space.ts";
import { changeHead, type Head, newHead } from "../store/head.ts";
import { specKey, TEAM_STUDY_PREFIX, teamPartition, teamStudyKey } from "../store/keys.ts";
import { ConditionFailed } from "../store/store.ts";
import { countStudy, explainGuardFailure } from "../store/team.ts";
import type { TrialItem } from "../store/trial.ts";
import { bestOf, type Candidate } from "./best.ts";
import { checkStudy } from "./check.ts";
import { settleExpired } from "./lease.ts";
import { timestamp } from "./view.ts";

/** What the client asked for, with every default filled in. Never changed, so a warm Lambda keeps it. */
export type StudySpec = Omit<Required<CreateStudyBody>, "lease" | "budget" | "executor"> & {
  readonly team: string;
  readonly created: number;
  readonly seed: number;
  readonly lease: { readonly seconds: number; readonly maxAttempts: number };
  readonly executor: Executor;
};

/** A study as the use cases see it: loaded, of the caller's team, its space compiled. */
export interface LoadedStudy {
  readonly team: string;
  readonly id: string;
  readonly spec: StudySpec;
  readonly space: Space;
}

const DEFAULT_PARALLEL = { client: 1000, batch: 4 } as const;
const DEFAULT_LEASE = { seconds: 300, maxAttempts: 3 } as const;
const ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";
/** A study whose warm spec is forgotten first when a Lambda has seen many. */
const MAX_CACHED_STUDIES = 200;
const PAGE = 100;

const randomSuffix = (deps: ServiceDeps) =>
  Array.from(deps.randomBytes(6), (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join("");

const completeSpec = (deps: ServiceDeps, team: string, body: CreateStudyBody): StudySpec => {
  const algorithm = body.algorithm ?? { name: "auto" };
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
    scheduler: body.scheduler ?? { name: "none" },
    lease: { ...DEFAULT_LEASE, ...body.lease },
    executor: body.executor ?? { type: "client" },
  };
};

/**
 * Creates a study; it runs at once, a batch study when it is started.
 * @throws InvalidInput naming the field, RateLimited when the team creates too many.
 */
export const createStudy = (
  deps: ServiceDeps,
  team: string,
  body: CreateStudyBody,
  write: WriteContext,
): Promise<Study> =>
  once(deps, write, async (acknowledge) => {
    const spec = completeSpec(deps, team, body);
    const space = compileSpace(spec.space, spec.constraints, spec.forbidden);
    const id = `${spec.name.slice(0, 56)}-${randomSuffix(deps)}`;
    const study: LoadedStudy = { team, id, spec, space };
    const budget = {
      trials: body.budget.trials,
      parallel: body.budget.parallel ?? DEFAULT_PARALLEL[spec.executor.type],
      gpuHours: body.budget.gpuHours ?? 0,
      dollars: body.budget.dollars ?? 0,
    };
    checkStudy(spec, space, budget);
    const revision = algorithms[spec.algorithm.name].revision;
    const head = newHead(id, budget, revision);
    const reply = await describe(deps, emptySnapshot(study, budget, revision));
    const now = deps.clock();
    try {
      await deps.store.transact([
        head,
        { name: "spec", key: specKey(id), put: { spec: JSON.stringify(spec) } },
        {
          name: "listing",
          key: teamStudyKey(team, id),
          put: { name: spec.name, created: spec.created, state: "active" },
        },
        ...countStudy(team, now),
        ...acknowledge(reply),
      ]);
    } catch (error) {
      if (error instanceof ConditionFailed) explainGuardFailure(error, now);
      throw error;
    }
    return reply;
  });

const emptySnapshot = (
  study: LoadedStudy,
  budget: { trials: number; parallel: number; gpuHours: number; dollars: number },
  algorithmRevision: number,
): Snapshot => ({
  study,
  hint: null,
  head: {
    ...budget,
    study: study.id,
    rev: 0,
    state: "running",
    next: 0,
    imported: 0,
    exhausted: false,
    segments: 0,
    unswept: -1,
    folded: { completed: 0, pruned: 0, failed: 0 },
    foldedBest: "",
    algorithmRevision,
    started: false,
    generation: 0,
    definition: "",
    gpuSeconds: 0,
    vcpuSeconds: 0,
    message: "",
  },
  trials: [],
});

/**
 * Loads a study of a team. What it holds never changes, so a warm Lambda answers from memory.
 * @throws StudyNotFound also for another team's study.
 */
export const loadStudy = async (deps: ServiceDeps, team: string, id: string): Promise<LoadedStudy> => {
  const study = await loadStudyById(deps, id);
  if (study === null || study.team !== team) throw new StudyNotFound(id);
  return study;
};

/** Loads a study for work that is not a caller's: messages, events, repairs. */
export const loadStudyById = async (deps: ServiceDeps, id: string): Promise<LoadedStudy | null> => {
  const cache = deps.store.cache;
  const key = `study ${id}`;
  const known = cache.get(key) as LoadedStudy | undefined;
  if (known !== undefined) return known;
  const item = await deps.store.get(specKey(id));
  if (item === null) return null;
  const spec = JSON.parse(String(item.spec)) as StudySpec;
  const study: LoadedStudy = {
    team: spec.team,
    id,
    spec,
    space: compileSpace(spec.space, spec.constraints, spec.forbidden),
  };
  const cached = [...cache.keys()].filter((name) => name.startsWith("study "));
  if (cached.length >= MAX_CACHED_STUDIES) for (const name of cached.slice(0, PAGE)) cache.delete(name);
  cache.set(key, study);
  return study;
};

/** A page of the team's studies, in order of their ids. */
export const listStudies = async (deps: ServiceDeps, team: string, query: PageQuery): Promise<StudyPage> => {
  const limit = query.limit ?? PAGE;
  const items = await deps.store.list(teamPartition(team), TEAM_STUDY_PREFIX, query.cursor ?? "", limit);
  const studies = items.map((item) => ({
    study: String(item.sk).slice(TEAM_STUDY_PREFIX.length),
    name: String(item.name),
    state: item.state === "deleting" ? ("deleting" as const) : ("active" as const),
    created: timestamp(Number(item.created)),
  }));
  return { studies, cursor: items.length < limit ? null : (studies.at(-1)?.study ?? null) };
};

/** The study with its progress and best trials; ends trials whose last lease has run out. */
export const readStudy = async (deps: ServiceDeps, study: LoadedStudy): Promise<Study> =>
  describe(deps, await settleExpired(deps, await readOpen(deps, study)));

const MAX_PATCH_TRIES = 10;

/**
 * Pauses, resumes or extends a study.
 * @throws BudgetSpent when the budget would be less than what was handed out already.
 */
export const patchStudy = (
  deps: ServiceDeps,
  study: LoadedStudy,
  body: PatchStudyBody,
  write: WriteContext,
): Promise<Study> =>
  once(deps, write, async (acknowledge) => {
    for (let attempt = 1; attempt <= MAX_PATCH_TRIES; attempt++) {
      const snapshot = await readOpen(deps, study);
      const { head } = snapshot;
      const trials = body.budget?.trials ?? head.trials;
      if (trials < head.next - head.imported) {
        throw new BudgetSpent(
          `${head.next - head.imported} trials were handed out already; the budget cannot go below that.`,
        );
      }
      if (study.spec.scheduler.name === "sha" && head.generation > 0 && trials !== head.trials) {
        throw new Conflict("The rounds of this study have begun with the trials that they have.");
      }
      if (body.state !== undefined && stateOf(snapshot) === "finished" && trials === head.trials) {
        throw new Conflict("The study is finished. Extend its budget to run it again.");
      }
      const set = {
        ...(body.state !== undefined && { state: body.state }),
        // What a person was told when it paused is seen to.
        ...(body.state === "running" && head.state === "paused" && { message: "" }),
        trials,
        parallel: body.budget?.parallel ?? head.parallel,
      };
      const money = {
        gpuHours: body.budget?.gpuHours ?? head.gpuHours,
        dollars: body.budget?.dollars ?? head.dollars,
      };
      const changed: Head = { ...head, ...set, ...money };
      const reply = await describe(deps, { ...snapshot, head: changed });
      const fields = { ...set, gpuHours: String(money.gpuHours), dollars: String(money.dollars) };
      try {
        await deps.store.transact([changeHead(head, fields), ...acknowledge(reply)]);
        return reply;
      } catch (error) {
        if (!(error instanceof ConditionFailed && error.names.has("head"))) throw error;
        await deps.store.pause(attempt);
      }
    }
    throw new Unavailable();
  });

/** Trials that are not over: while there are any, the study is not finished. */
export const isOpen = (trial: TrialItem) =>
  trial.state === "running" || trial.state === "queued" || trial.state === "paused";

/** A study is finished when its budget is handed out, or nothing new is left, and every trial is over. */
export const stateOf = ({ head, trials }: Snapshot): Study["state"] => {
  const spent = head.next - head.imported >= head.trials || head.exhausted;
  if (spent && head.state !== "deleting" && !trials.some(isOpen)) return "finished";
  return head.state;
};

const countTrials = ({ head, trials }: Snapshot): TrialCounts => {
  const counts: TrialCounts = { queued: 0, running: 0, paused: 0, ...head.folded };
  for (const trial of trials) counts[trial.state]++;
  return counts;
};

const MAX_SHOWN_BEST = 100;
const NONE_FEASIBLE = "No completed trial is within the limits of `outcomes`, so there is no best one.";

/** The study as GET shows it. */
export const describe = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Study> => {
  const { study, head } = snapshot;
  const { spec } = study;
  const trials = countTrials(snapshot);
  const best = await bestTrialsOf(deps, snapshot);
  const notes = [
    head.message,
    revisionNote(snapshot),
    best.length === 0 && spec.outcomes.length > 0 && trials.completed > 0 ? NONE_FEASIBLE : "",
  ];
  return {
    study: study.id,
    name: spec.name,
    team: study.team,
    state: stateOf(snapshot),
    created: timestamp(spec.created),
    space: spec.space,
    constraints: spec.constraints,
    forbidden: spec.forbidden,
    objectives: spec.objectives,
    outcomes: spec.outcomes,
    algorithm: { ...spec.algorithm, seed: spec.seed },
    scheduler: spec.scheduler,
    budget: {
      trials: head.trials,
      parallel: head.parallel,
      ...(head.gpuHours > 0 && { gpuHours: head.gpuHours }),
      ...(head.dollars > 0 && { dollars: head.dollars }),
    },
    lease: spec.lease,
    executor: spec.executor,
    trials,
    best: best.slice(0, MAX_SHOWN_BEST),
    started: head.started,
    spent: { gpuHours: head.gpuSeconds / 3600, vcpuHours: head.vcpuSeconds / 3600 },
    message: notes.filter((note) => note !== "").join(" ") || null,
  };
};

/** A deploy that changes an algorithm's draws says so on the studies that began before it. */
const revisionNote = ({ study, head }: Snapshot): string => {
  const { name } = study.spec.algorithm;
  const { revision } = algorithms[name];
  if (revision === head.algorithmRevision) return "";
  return `${name} has changed since this study began (revision ${head.algorithmRevision}, now ${revision}).`;
};

/** The best trials of all. The head remembers a single objective's folded best; a Pareto set is made of the segments. */
export const bestTrialsOf = async (deps: ServiceDeps, snapshot: Snapshot): Promise<BestTrial[]> => {
  const { study, head, trials } = snapshot;
  if (study.spec.objectives.length > 1)
    return bestOf(study.spec, [...(await foldedFront(deps, snapshot)).map(completed), ...trials]);
  if (head.foldedBest === "") return bestOf(study.spec, trials);
  return bestOf(study.spec, [completed(JSON.parse(head.foldedBest) as BestTrial), ...trials]);
};

const completed = (trial: BestTrial): Candidate => ({ ...trial, state: "completed" });

/** A Pareto set of the first so many segments. */
interface Front {
  readonly segments: number;
  readonly trials: readonly BestTrial[];
}

const MAX_CACHED_FRONTS = 20;

/** The Pareto set of all folded trials: what a warm Lambda has found is only joined with what was folded since. */
const foldedFront = async (deps: ServiceDeps, snapshot: Snapshot): Promise<readonly BestTrial[]> => {
  const { study, head } = snapshot;
  const { cache } = deps.store;
  const key = `front ${study.id}`;
  const cached = cache.get(key) as Front | undefined;
  const known =
    cached !== undefined && cached.segments <= head.segments ? cached : { segments: 0, trials: [] };
  if (known.segments === head.segments) return known.trials;
  const since = await readFolded(deps, snapshot, known.segments);
  const trials = bestOf(study.spec, chained(known.trials.map(completed), since));
  const fronts = [...cache.keys()].filter((name) => name.startsWith("front "));
  if (fronts.length >= MAX_CACHED_FRONTS) for (const name of fronts) cache.delete(name);
  cache.set(key, { segments: head.segments, trials } satisfies Front);
  return trials;
};

function* chained<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first;
  yield* second;
}
