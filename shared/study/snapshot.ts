import type { Hint } from "../optimizer/algorithm.ts";
import type { Head } from "../store/head.ts";
import type { TrialItem } from "../store/trial.ts";
import type { LoadedStudy } from "./study.ts";

/** A study at one moment: its head, its algorithm's hint and every trial that is not folded, in order of their numbers. */
export interface Snapshot {
  readonly study: LoadedStudy;
  readonly head: Head;
  readonly hint: Hint | null;
  readonly trials: readonly TrialItem[];
}
