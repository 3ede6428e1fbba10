import type { NestedSpec } from "./study.ts";

/**
 * How the trials of nested cross-validation are numbered. The study consists of parts: for each outer fold of each repeat the search,
 * and then, in the same order, the refit of each winner. A part has an id and numbers of its own, which only Hone knows.
 */

/** How many outer folds there are, over all repeats. */
export const foldsOf = ({ outer }: NestedSpec): number => outer.folds * outer.repeats;

/** How many parts there are: a search and a refit for each fold. */
export const partsOf = (nested: NestedSpec): number => 2 * foldsOf(nested);

/** The number in the whole study of a part's trial: whatever the parts do, no two are equal. */
export const wholeNumber = (nested: NestedSpec, part: number, own: number): number =>
  own * partsOf(nested) + part;

/** The part that a trial belongs to, and its number there. */
export const placeInParts = (
  nested: NestedSpec,
  number: number,
): { readonly part: number; readonly own: number } => {
  const parts = partsOf(nested);
  return { part: number % parts, own: Math.floor(number / parts) };
};

/** The id of the study that a part belongs to; a study's own id. */
export const wholeId = (id: string): string => id.split(".")[0] ?? id;

/** No study that a client names has an id with a point. */
export const partId = (study: string, index: number): string => `${study}.${index}`;

/** What the id of a part says; null of any other study. */
export const partAt = (id: string): { readonly study: string; readonly index: number } | null => {
  const [study = "", index] = id.split(".");
  return index === undefined ? null : { study, index: Number(index) };
};
