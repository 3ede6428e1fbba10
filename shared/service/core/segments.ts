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

/** Every folded trial, from a segment on; each is decoded when it is reached. */
export const readFolded = async (
  deps: ServiceDeps,
  { study, head }: Snapshot,
  from = 0,
): Promise<Iterable<TrialItem>> => trialsIn(await segmentsOf(deps, study, from, head.segments));

function* trialsIn(segments: readonly Segment[]): Generator<TrialItem> {
  for (const segment of segments) for (let i = 0; i < segment.count; i++) yield segment.trial(i);
}
