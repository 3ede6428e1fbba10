import { readSegments, type Segment } from "../../store/segment.ts";
import type { TrialItem } from "../../store/trial.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { segmentId } from "./warm.ts";

/** Segments `from` to `to - 1`; they are immutable, so those read before come from memory. */
export const segmentsOf = async (
  { store, warm }: Pick<ServiceDeps, "store" | "warm">,
  study: LoadedStudy,
  from: number,
  to: number,
): Promise<Segment[]> => {
  const known: Segment[] = [];
  for (let k = from; k < to; k++) {
    const segment = warm.segments.get(segmentId(study.id, k));
    if (segment === undefined) break;
    known.push(segment);
  }
  const first = from + known.length;
  const fresh = await readSegments(store, study.id, study.space, first, to);
  for (const [i, segment] of fresh.entries()) warm.segments.set(segmentId(study.id, first + i), segment);
  return [...known, ...fresh];
};

/** Every folded trial that is not in the tail, from a segment on; each is decoded when it is reached. */
export const readFolded = async (
  deps: ServiceDeps,
  { study, head, trials }: Snapshot,
  from = 0,
): Promise<Iterable<TrialItem>> => {
  const tail = new Set(trials.map(({ number }) => number));
  return latestIn(await segmentsOf(deps, study, from, head.segments), tail);
};

/** Leaves out what was folded while it was paused and has gone on since. */
function* latestIn(segments: readonly Segment[], tail: ReadonlySet<number>): Generator<TrialItem> {
  for (const [k, segment] of segments.entries()) {
    for (let i = 0; i < segment.count; i++) {
      const trial = segment.trial(i);
      const isLater = (later: Segment) => later.find(trial.number) >= 0;
      const mayHaveGoneOn = trial.state === "paused";
      if (mayHaveGoneOn && (tail.has(trial.number) || segments.slice(k + 1).some(isLater))) continue;
      yield trial;
    }
  }
}
