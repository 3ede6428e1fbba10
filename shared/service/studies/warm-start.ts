import { type FieldError, InvalidInput, StudyNotFound } from "../../errors.ts";
import { pointerTo } from "../../json-pointer.ts";
import type { EarlierStudy } from "../../schemas/warm-start.ts";
import { newEarlier } from "../../store/earlier.ts";
import type { Segment } from "../../store/segment.ts";
import type { Change } from "../../store/store.ts";
import type { TrialItem } from "../../store/trial.ts";
import { foldedBest } from "../../study/best.ts";
import { checkEarlier } from "../../study/check-earlier.ts";
import { type Taken, takeEarlier, withEarlier } from "../../study/earlier.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudy } from "../core/load.ts";
import { segmentsOf } from "../core/segments.ts";
import { findSnapshot } from "../core/snapshot.ts";

/** Segments that are read of an earlier study at most: about 2,500 of the trials that were told one by one. */
const MOST_SEGMENTS = 40;

/** A new study with what it begins with, and what writes it. */
export interface WarmStarted {
  readonly study: LoadedStudy;
  readonly changes: readonly Change[];
}

/**
 * Reads the earlier studies that a new one names, and takes what it can use of them.
 * @throws StudyNotFound naming the study that the team does not have, InvalidInput naming the field.
 */
export const warmStarted = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  asked: readonly EarlierStudy[],
): Promise<WarmStarted> => {
  if (asked.length === 0) return { study, changes: [] };
  const snapshots = await Promise.all(asked.map((one) => earlierSnapshot(deps, study.team, one.study)));
  const faults = asked.flatMap((one, i): readonly FieldError[] =>
    checkEarlier(study, snapshots[i]!.study, one, asked.slice(0, i)).map(({ pointer, fault }) => ({
      pointer: `/warmStart/studies${pointerTo([i])}${pointer}`,
      fault,
    })),
  );
  if (faults.length > 0) throw new InvalidInput(faults);
  const taken: Taken[] = [];
  for (const [i, snapshot] of snapshots.entries()) {
    const trials = await trialsOf(deps, snapshot);
    const input = { asked: asked[i]!, source: snapshot.study, total: snapshot.head.next, trials };
    taken.push(takeEarlier(study, input, asked.length));
  }
  const stored = taken.map((one) => one.stored);
  const warmStart = { studies: taken.map(({ shown }) => shown) };
  return {
    study: withEarlier({ ...study, spec: { ...study.spec, warmStart } }, stored),
    changes: [newEarlier(study.id, stored)],
  };
};

/** @throws StudyNotFound also for a study that is being deleted, or of another team. */
const earlierSnapshot = async (deps: ServiceDeps, team: string, id: string): Promise<Snapshot> => {
  const snapshot = await findSnapshot(deps, await loadStudy(deps, team, id));
  if (snapshot === null) throw new StudyNotFound(id);
  return snapshot;
};

/** The trials of a study, or a sample of them where there are very many: evenly spread, and those folded with the best one. */
const trialsOf = async (deps: ServiceDeps, { study, head, trials }: Snapshot): Promise<TrialItem[]> => {
  const known = foldedBest(head);
  const best = known !== null && "segment" in known ? known.segment : 0;
  const places = evenly(head.segments, MOST_SEGMENTS, best);
  const segments: Segment[] = [];
  for (const k of places) segments.push(...(await segmentsOf(deps, study, k, k + 1)));
  const latest = new Map<number, TrialItem>();
  for (const segment of segments) {
    for (let i = 0; i < segment.count; i++) latest.set(segment.numbers[i]!, segment.trial(i));
  }
  for (const trial of trials) latest.set(trial.number, trial);
  return [...latest.values()];
};

/** At most `most` of the places from 0 to n - 1, evenly spread, with one that is not left out. */
const evenly = (n: number, most: number, kept: number): number[] =>
  n <= most
    ? Array.from({ length: n }, (_, k) => k)
    : [
        ...new Set([kept, ...Array.from({ length: most - 1 }, (_, k) => Math.floor((k * n) / (most - 1)))]),
      ].sort((a, b) => a - b);
