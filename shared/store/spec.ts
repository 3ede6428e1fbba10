import { toJson } from "./json.ts";
import { specKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** What the client asked for: written once with the study, never changed. */

/** @param spec what `findSpec` gives back; JSON carries it. */
export const newSpec = (study: string, spec: object): Change => ({
  name: "spec",
  key: specKey(study),
  put: { spec: toJson(spec) },
});

/** The spec as it was written, null when there is no such study. */
export const findSpec = async (store: Store, study: string): Promise<unknown> => {
  const item = await store.get(specKey(study));
  return item === null ? null : JSON.parse(String(item.spec));
};
