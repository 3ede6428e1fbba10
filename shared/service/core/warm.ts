import { LRUCache } from "lru-cache";
import type { StudyState } from "../../schemas/study.ts";
import type { Segment } from "../../store/segment.ts";
import type { Candidate } from "../../study/best.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { HistoryColumns } from "./history-columns.ts";

/** The Pareto set of a study's first segments. */
export interface FoldedFront {
  readonly segments: number;
  readonly trials: readonly Candidate[];
}

/** What a process knows of a team's requests in a window of time. */
export interface RequestCount {
  readonly window: number;
  /** All of the team's, when this process last told its own. */
  total: number;
  /** Its own since then. */
  untold: number;
}

/**
 * What a warm Lambda keeps between requests: immutable things, and what was derived from them. An answer without them is
 * the same, only slower. The least recently used entry of a kind is dropped first.
 */
export interface Warm {
  readonly studies: LRUCache<string, LoadedStudy>;
  /** Keyed by `segmentId`. */
  readonly segments: LRUCache<string, Segment>;
  readonly histories: LRUCache<string, HistoryColumns>;
  readonly fronts: LRUCache<string, FoldedFront>;
  /** What this process has listed of a study, and when, in milliseconds since 1970. */
  readonly listed: LRUCache<string, { readonly at: number; readonly state: StudyState }>;
  /** When it noted that a study's listing may be out of date. */
  readonly noted: LRUCache<string, number>;
  /** A team's requests in the current window. */
  readonly requests: LRUCache<string, RequestCount>;
  /** Teams whose listings of an older version it has moved. */
  readonly moved: LRUCache<string, true>;
}

const CACHED_STUDIES = 200;
const CACHED_TEAMS = 2000;
/** Of segments, over all studies: about 200,000 trials of ten parameters. */
const CACHED_SEGMENT_BYTES = 64e6;
const CACHED_HISTORIES = 8;
const CACHED_FRONTS = 20;

/** Counted as sizes: for a `max` LRUCache makes room at once, which takes longer than many a process lives. */
const entries = <V extends {}>(count: number): LRUCache<string, V> =>
  new LRUCache({ maxSize: count, sizeCalculation: () => 1 });

/** An empty cache, one per process. */
export const createWarm = (): Warm => ({
  studies: entries(CACHED_STUDIES),
  segments: new LRUCache({ maxSize: CACHED_SEGMENT_BYTES, sizeCalculation: ({ bytes }) => bytes }),
  histories: entries(CACHED_HISTORIES),
  fronts: entries(CACHED_FRONTS),
  listed: entries(CACHED_STUDIES),
  noted: entries(CACHED_STUDIES),
  requests: entries(CACHED_TEAMS),
  moved: entries(CACHED_STUDIES),
});

export const segmentId = (study: string, k: number): string => `${study} ${k}`;
