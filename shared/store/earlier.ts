import type { Params } from "../values.ts";
import { toJson } from "./json.ts";
import { earlierKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/**
 * Results of earlier studies that a study was warm-started from: taken once, when it is created, so that an ask reads them with the
 * spec, however large the earlier studies were, and they stay when these are deleted.
 */

/** The results of one earlier study, best first. */
export interface StoredEarlier {
  /** Configurations in the names of this study; what the earlier study does not know is missing. */
  readonly params: readonly Params[];
  /** One list per result: a cost per objective, lower is better. */
  readonly costs: readonly (readonly number[])[];
}

const VERSION = 1;

/** Bytes that one result takes at most, its comma included. */
export const earlierBytes = (params: Params, costs: readonly number[]): number =>
  toJson(params).length + toJson(costs).length + 2;

/** @param studies one per entry of the spec's `warmStart.studies`, in its order. */
export const newEarlier = (study: string, studies: readonly StoredEarlier[]): Change => ({
  name: "earlier",
  key: earlierKey(study),
  put: { version: VERSION, earlier: toJson(studies) },
});

/** What was taken; null when there is no such study. @throws Error for a version this code does not know. */
export const findEarlier = async (store: Store, study: string): Promise<StoredEarlier[] | null> => {
  const item = await store.get(earlierKey(study));
  if (item === null) return null;
  if (item.version !== VERSION)
    throw new Error(`Version ${String(item.version)} of the results of earlier studies is not known.`);
  return JSON.parse(String(item.earlier)) as StoredEarlier[];
};
