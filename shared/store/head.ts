import { headKey } from "./keys.ts";
import type { Change, Condition, Item, Update } from "./store.ts";

/**
 * A study's head: all that asks change, and nothing else, so that it stays under a kilobyte and an ask costs two
 * write units for it however large the search space is.
 */
export interface Head {
  readonly study: string;
  /** Every change of what asks depend on raises it; an ask commits only on the revision that it read. */
  readonly rev: number;
  readonly state: "running" | "paused" | "deleting";
  /** The next trial's number: all smaller ones exist. */
  readonly next: number;
  /** Trials imported as finished, which the budget does not count. */
  readonly imported: number;
  /** A finite space holds nothing new. */
  readonly exhausted: boolean;
  readonly trials: number;
  readonly parallel: number;
  /** 0 when there is no limit. */
  readonly gpuHours: number;
  readonly dollars: number;
  /** Segments there are: `S#SEG#0` to `S#SEG#<segments - 1>`. */
  readonly segments: number;
  /** The segment whose trials may still lie in the tail too, or -1. */
  readonly unswept: number;
  /** Trials in segments, by end. */
  readonly folded: { readonly completed: number; readonly pruned: number; readonly failed: number };
  /** JSON of the best folded trial of a single objective, or "". */
  readonly foldedBest: string;
  /** The revision of the algorithm that the study began on. */
  readonly algorithmRevision: number;
  /** Batch executor: whether it dispatches, which start it is, and the study's job definition. */
  readonly started: boolean;
  readonly generation: number;
  readonly definition: string;
  /** Seconds of finished attempts times GPUs, and times vCPUs. */
  readonly gpuSeconds: number;
  readonly vcpuSeconds: number;
  /** What a person should know, or "". */
  readonly message: string;
}

type HeadFields = Omit<Head, "study" | "folded" | "gpuHours" | "dollars"> & {
  readonly gpuHours: string;
  readonly dollars: string;
  readonly foldedCompleted: number;
  readonly foldedPruned: number;
  readonly foldedFailed: number;
};

export const newHead = (
  study: string,
  budget: { trials: number; parallel: number; gpuHours: number; dollars: number },
  algorithmRevision: number,
): Change => {
  const fields: HeadFields = {
    rev: 0,
    state: "running",
    next: 0,
    imported: 0,
    exhausted: false,
    trials: budget.trials,
    parallel: budget.parallel,
    gpuHours: String(budget.gpuHours),
    dollars: String(budget.dollars),
    segments: 0,
    unswept: -1,
    foldedCompleted: 0,
    foldedPruned: 0,
    foldedFailed: 0,
    foldedBest: "",
    algorithmRevision,
    started: false,
    generation: 0,
    definition: "",
    gpuSeconds: 0,
    vcpuSeconds: 0,
    message: "",
  };
  return { name: "head", key: headKey(study), put: fields, when: { expression: "attribute_not_exists(pk)" } };
};

export const readHead = (study: string, item: Item): Head => {
  const fields = item as unknown as HeadFields;
  return {
    ...fields,
    study,
    gpuHours: Number(fields.gpuHours),
    dollars: Number(fields.dollars),
    folded: { completed: fields.foldedCompleted, pruned: fields.foldedPruned, failed: fields.foldedFailed },
  };
};

/** A change of the head, on the revision that was read; it fails under the name "head" when another came first. */
export const changeHead = (
  head: Head,
  set: Partial<HeadFields>,
  when?: Condition,
): Change & { update: Update } => ({
  name: "head",
  key: headKey(head.study),
  update: { set: { ...set, rev: head.rev + 1 } },
  when: {
    expression: when ? `#rev = :rev AND ${when.expression}` : "#rev = :rev",
    values: { rev: head.rev, ...when?.values },
  },
});

/** Adds what an ended attempt has used. It holds no asks up: the revision stays. */
export const spend = (study: string, gpuSeconds: number, vcpuSeconds: number): Change => ({
  name: "spent",
  key: headKey(study),
  update: { add: { gpuSeconds, vcpuSeconds } },
  when: { expression: "attribute_exists(pk)" },
});
