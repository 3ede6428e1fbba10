import { DomainError, NotFound, RateLimited } from "../../errors.ts";
import type { Study } from "../../schemas/study.ts";
import { firingReasonSentence } from "../../sentences/firing-reasons.ts";
import { changeFiring, type FiringItem, findFiring, newFiring } from "../../store/firing.ts";
import type { Change } from "../../store/store.ts";
import { changeSweep, findSweep, noteSweep, type SweepItem } from "../../store/sweep.ts";
import { timestamp } from "../../study/view.ts";
import { planFiring } from "../../sweep/overlap.ts";
import { creationRefusals } from "../access/creation-limits.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps, type WriteContext } from "../core/deps.ts";
import { planStudy } from "../studies/create.ts";
import { bodyOfFiring } from "./body.ts";
import { type Progress, runningStudy } from "./progress.ts";

/** A firing as it comes. */
export interface Due {
  readonly sweep: string;
  /** Milliseconds since 1970. */
  readonly scheduled: number;
  readonly manual: boolean;
}

/** What became of a firing, and what its study had come to when it was created. */
export interface Fired {
  readonly firing: FiringItem;
  readonly progress: Progress | null;
}

/**
 * Sees to a firing of a sweep's schedule, once however often it is delivered: its record is written in the transaction that creates its
 * study. What is delivered after the sweep was paused, given another schedule or deleted comes to nothing.
 * @param revision of the schedule that delivers it.
 * @throws Unavailable, or RateLimited when the team creates too much just now: then it is to be delivered again.
 */
export const fireScheduled = async (
  deps: ServiceDeps,
  due: Omit<Due, "manual">,
  revision: number,
): Promise<void> => {
  const isCurrent = (sweep: SweepItem | null): sweep is SweepItem =>
    sweep?.state === "active" && sweep.revision === revision;
  try {
    await fire(deps, noRequest, async () => {
      const sweep = await findSweep(deps.store, due.sweep);
      return isCurrent(sweep) ? { sweep, due: { ...due, manual: false } } : null;
    });
  } catch (error) {
    // Its team is being deleted, and the sweep with it.
    if (!(error instanceof NotFound)) throw error;
  }
};

/** A sweep as it was read, and what is due of it; null when nothing is. */
type Reading = { readonly sweep: SweepItem; readonly due: Due } | null;

/**
 * @param read what is due, as it is now; called again after a conflict.
 * @returns null when nothing is.
 */
export const fire = async (
  deps: ServiceDeps,
  write: WriteContext,
  read: (attempt: number) => Promise<Reading>,
): Promise<Fired | null> => {
  const plan =
    (refusal: string | null) =>
    async (attempt: number): Promise<Plan<Fired | null>> => {
      const reading = await read(attempt);
      if (reading === null) return NOTHING;
      const { sweep, due } = reading;
      const isKnown = !due.manual && (await findFiring(deps.store, due.sweep, due.scheduled, false)) !== null;
      return isKnown ? NOTHING : planDue(deps, sweep, due, refusal);
    };
  try {
    return await commit(deps, write, plan(null));
  } catch (error) {
    const isFull = error instanceof RateLimited && error.facts.kind === "too-many-studies";
    if (!isFull) throw error;
    return commit(deps, write, plan(error.message));
  }
};

const NOTHING: Plan<null> = { changes: [], answer: null };

/** @param refusal why its study cannot be created, if that is known already. */
const planDue = async (
  deps: ServiceDeps,
  sweep: SweepItem,
  due: Due,
  refusal: string | null,
): Promise<Plan<Fired | null>> => {
  const { queued, overlap, count, stops } = sweep;
  const decided = planFiring({
    overlap,
    manual: due.manual,
    running: await runningStudy(deps, sweep),
    queued: queued === null ? null : timestamp(queued.scheduled),
  });
  const { outcome } = decided;
  const at = deps.clock();
  const firing: FiringItem = { ...due, outcome, study: null, reason: null, at, kept: null, gone: false };
  if (outcome === "skipped" || outcome === "queued") {
    const waiting = { scheduled: due.scheduled, manual: due.manual };
    return written(sweep, {
      firing: { ...firing, reason: firingReasonSentence(decided.reason) },
      patch: { count: count + 1, ...(outcome === "queued" && { queued: waiting }) },
    });
  }
  const creation = refusal === null ? await planCreation(deps, sweep, due) : { refusal };
  if ("refusal" in creation) {
    const failed = { ...firing, outcome: "failed" as const, reason: refused(creation.refusal) };
    return written(sweep, { firing: failed, patch: { count: count + 1 } });
  }
  const reason = outcome === "replaced" ? firingReasonSentence(decided.reason) : null;
  return written(sweep, {
    firing: { ...firing, reason, study: creation.study, at: creation.at },
    patch: {
      count: count + 1,
      current: creation.study,
      // Not before this is written: the creation may meet a limit of the team, and then the earlier study goes on.
      ...(outcome === "replaced" && { stops: [...stops, decided.stops] }),
    },
    creation,
  });
};

interface Outcome {
  readonly firing: FiringItem;
  readonly patch: Partial<SweepItem>;
  readonly creation?: Creation;
}

const written = (sweep: SweepItem, { firing, patch, creation }: Outcome): Plan<Fired> => ({
  changes: [
    ...(creation?.changes ?? []),
    newFiring(firing),
    changeSweep(sweep, patch),
    noteSweep(sweep, firing.at),
  ],
  answer: { firing, progress: creation?.progress ?? null },
  ...(creation !== undefined && { refusals: creationRefusals(creation.at) }),
});

/** What creates the study of a firing. */
interface Creation {
  readonly study: string;
  /** When, milliseconds since 1970. */
  readonly at: number;
  readonly changes: readonly Change[];
  readonly progress: Progress;
}

/** @returns why the study is refused, where it is for good. @throws Unavailable */
const planCreation = async (
  deps: ServiceDeps,
  sweep: SweepItem,
  due: Due,
): Promise<Creation | { readonly refusal: string }> => {
  const id = studyIdOf(due);
  const firing = timestamp(due.scheduled);
  try {
    const body = await bodyOfFiring(deps, sweep, id);
    const { study, changes, answer } = await planStudy(deps, sweep.team, body, id, {
      sweep: sweep.sweep,
      firing,
    });
    return { study: id, at: study.spec.created, changes, progress: progressAtFirst(answer) };
  } catch (error) {
    if (error instanceof DomainError && error.retryAfter === undefined) return { refusal: error.message };
    throw error;
  }
};

const progressAtFirst = ({ state, trials, budget }: Study): Progress => ({
  state,
  summary: { trials, budget: budget.trials, best: null },
});

const refused = (detail: string): string => firingReasonSentence({ kind: "refused", detail });

/** The id of a firing's study follows from the firing: no delivery can make a second one. One by hand has milliseconds too. */
const studyIdOf = ({ sweep, scheduled, manual }: Due): string => {
  const [day = "", time = ""] = timestamp(scheduled).split("T");
  const [seconds = "", milliseconds = ""] = time.replace("Z", "").split(".");
  const parts = [sweep, day.replaceAll("-", ""), seconds.replaceAll(":", "")];
  return [...parts, ...(manual ? [milliseconds] : [])].join("-");
};

/**
 * Creates the study of the firing that waits, when that of the earlier one is finished. While the sweep is paused it waits on.
 * @throws Unavailable, or RateLimited when the team creates too much just now.
 */
export const releaseQueued = async (deps: ServiceDeps, id: string): Promise<void> => {
  const plan = (refusal: string | null) => async (): Promise<Plan<null>> => {
    const sweep = await findSweep(deps.store, id);
    if (sweep?.state !== "active" || sweep.queued === null) return NOTHING;
    const due = { sweep: id, ...sweep.queued };
    const firing = await findFiring(deps.store, id, due.scheduled, due.manual);
    if (firing === null || (await runningStudy(deps, sweep)) !== null) return NOTHING;
    const creation = refusal === null ? await planCreation(deps, sweep, due) : { refusal };
    if ("refusal" in creation) {
      const failed = { ...firing, outcome: "failed" as const, reason: refused(creation.refusal) };
      return released(sweep, firing, { ...failed, at: deps.clock() });
    }
    const { study, at, changes } = creation;
    const made: FiringItem = { ...firing, outcome: "created", reason: null, study, at };
    return { ...released(sweep, firing, made, changes), refusals: creationRefusals(at) };
  };
  try {
    await commit(deps, noRequest, plan(null));
  } catch (error) {
    if (error instanceof NotFound) return;
    const isFull = error instanceof RateLimited && error.facts.kind === "too-many-studies";
    if (!isFull) throw error;
    await commit(deps, noRequest, plan(error.message));
  }
};

const released = (
  sweep: SweepItem,
  before: FiringItem,
  after: FiringItem,
  creation: readonly Change[] = [],
): Plan<null> => ({
  changes: [
    ...creation,
    changeFiring(before, after),
    changeSweep(sweep, { queued: null, ...(after.study !== null && { current: after.study }) }),
    noteSweep(sweep, after.at),
  ],
  answer: null,
});
