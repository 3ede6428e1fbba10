import type { FiringReason } from "../sentences/firing-reasons.ts";

/** What a firing does while the study of an earlier one is not finished. */
export const OVERLAPS = ["skip", "queue", "replace"] as const;

export type Overlap = (typeof OVERLAPS)[number];

/** What there is of earlier firings when one is due. */
interface Earlier {
  readonly overlap: Overlap;
  /** Whether a person asked for the firing. */
  readonly manual: boolean;
  /** The study of an earlier firing that is not finished. */
  readonly running: string | null;
  /** The earlier firing that waits for its study. */
  readonly queued: string | null;
}

/** What becomes of a firing; the study of an earlier one is to be stopped once that is written if `stops` names it. */
export type FiringPlan =
  | { readonly outcome: "created" }
  | { readonly outcome: "skipped" | "queued"; readonly reason: FiringReason }
  | { readonly outcome: "replaced"; readonly stops: string; readonly reason: FiringReason };

/**
 * A firing that waits keeps its turn, also if the policy has changed since. One by hand goes before it while nothing runs: that of a
 * paused sweep waits until it is resumed.
 */
export const planFiring = ({ overlap, manual, running, queued }: Earlier): FiringPlan => {
  if (overlap === "replace" && running !== null)
    return { outcome: "replaced", stops: running, reason: { kind: "replaces", study: running } };
  if (manual && running === null) return { outcome: "created" };
  if (queued !== null) return { outcome: "skipped", reason: { kind: "one-waits", firing: queued } };
  if (running === null) return { outcome: "created" };
  return overlap === "queue"
    ? { outcome: "queued", reason: { kind: "waits", study: running } }
    : { outcome: "skipped", reason: { kind: "overlaps", study: running } };
};
