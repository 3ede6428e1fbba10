import type { Params } from "../../shared/values.ts";
import type { Cost } from "./statistics.ts";

/** What a load is driven against: one study of its own, over HTTP or in this process. */
export interface Target {
  ask(worker: string, count?: number): Promise<Answer<readonly Leased[]>>;
  tell(trial: Leased, values: Values): Promise<Answer<null>>;
  report(trial: Leased, step: number, values: Values): Promise<Answer<null>>;
  /** Imports trials: finished if they have values, otherwise queued. */
  add(trials: readonly { readonly params: Params; readonly values?: Values }[]): Promise<Answer<null>>;
  /** What asks, and tells with their reports, cost the table until now; null where nobody counts. */
  cost(): { readonly ask: Cost; readonly tell: Cost } | null;
}

export interface Answer<T> {
  readonly status: number;
  /** Seconds; null when the answer does not say. */
  readonly retryAfter: number | null;
  /** Null unless the status is one of success. */
  readonly body: T | null;
}

export interface Leased {
  readonly number: number;
  readonly attempt: number;
  readonly params: Params;
}

export type Values = Readonly<Record<string, number>>;
