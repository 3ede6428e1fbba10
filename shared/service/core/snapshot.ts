import { StudyNotFound } from "../../errors.ts";
import type { Hint } from "../../optimizer/algorithm.ts";
import { type Head, readHead } from "../../store/head.ts";
import { readHint } from "../../store/hint.ts";
import { END_OF_OPEN, headKey, hintKey } from "../../store/keys.ts";
import { readSegments, type Segment } from "../../store/segment.ts";
import { readTrialItem, type TrialItem } from "../../store/trial.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";

/** A study at one moment: its head, its algorithm's hint and every trial that is not folded, in order of their numbers. */
export interface Snapshot {
  readonly study: LoadedStudy;
  readonly head: Head;
  readonly hint: Hint | null;
  readonly trials: readonly TrialItem[];
}

/** Segments a warm Lambda keeps over all studies: about 100,000 trials, some 50 MB. */
const MAX_CACHED_SEGMENTS = 400;

/**
 * Reads head and open trials in one strongly consistent Query.
 * @throws StudyNotFound when the study is gone or going.
 */
export const readOpen = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot> => {
  const { pk } = headKey(study.id);
  const [first, ...rest] = await deps.store.query(pk, "A", END_OF_OPEN);
  if (first === undefined || first.sk !== headKey(study.id).sk) throw new StudyNotFound(study.id);
  const head = readHead(study.id, first);
  if (head.state === "deleting") throw new StudyNotFound(study.id);
  const hinted = rest[0]?.sk === hintKey(study.id).sk ? rest.shift() : undefined;
  const hint = hinted === undefined ? null : readHint(hinted);
  const trials = rest.map((item) => readTrialItem(study.id, item));
  if (head.unswept < 0) return { study, head, hint, trials };
  // A fold put its segment but has not swept the tail yet: what the segment holds counts once.
  const swept = await segmentsOf(deps, study, head.unswept, head.unswept + 1);
  return {
    study,
    head,
    hint,
    trials: trials.filter((trial) => swept.every((segment) => segment.find(trial.number) < 0)),
  };
};

/** The same for work that nobody waits for: null when the study is gone or going. */
export const readIfThere = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot | null> => {
  try {
    return await readOpen(deps, study);
  } catch (error) {
    if (error instanceof StudyNotFound) return null;
    throw error;
  }
};

/** Segments `from` to `to - 1`; immutable, so those seen before come from memory. */
export const segmentsOf = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  from: number,
  to: number,
): Promise<Segment[]> => {
  const { cache } = deps.store;
  const key = (k: number) => `segment ${study.id} ${k}`;
  const found = Array.from({ length: to - from }, (_, i) => cache.get(key(from + i)) as Segment | undefined);
  const missing = found.indexOf(undefined);
  if (missing < 0) return found.filter((segment) => segment !== undefined);
  const fresh = await readSegments(deps.store, study.id, study.space, from + missing, to);
  const cached = [...cache.keys()].filter((name) => name.startsWith("segment "));
  if (cached.length + fresh.length > MAX_CACHED_SEGMENTS) for (const name of cached) cache.delete(name);
  for (const [i, segment] of fresh.entries()) cache.set(key(from + missing + i), segment);
  return [...found.slice(0, missing).filter((segment) => segment !== undefined), ...fresh];
};

/** Every folded trial, from a segment on; each is made when its turn comes. */
export const readFolded = async (
  deps: ServiceDeps,
  { study, head }: Snapshot,
  from = 0,
): Promise<Iterable<TrialItem>> => trialsOf(await segmentsOf(deps, study, from, head.segments));

function* trialsOf(segments: readonly Segment[]): Generator<TrialItem> {
  for (const segment of segments) for (let i = 0; i < segment.count; i++) yield segment.trial(i);
}

/** A folded trial by its number, or null. */
export const findFolded = async (
  deps: ServiceDeps,
  { study, head }: Snapshot,
  number: number,
): Promise<TrialItem | null> => {
  for (const segment of await segmentsOf(deps, study, 0, head.segments)) {
    const i = segment.find(number);
    if (i >= 0) return segment.trial(i);
  }
  return null;
};
