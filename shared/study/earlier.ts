import { fronts } from "../numerics/fronts.ts";
import type { EarlierResults } from "../optimizer/algorithm.ts";
import { keepBest } from "../optimizer/common/thin.ts";
import type { LeftOutReason } from "../schemas/warm-start.ts";
import { type Adoption, adopt, nameHere } from "../space/adopt.ts";
import { toCube } from "../space/cube.ts";
import type { Space } from "../space/space.ts";
import { earlierBytes, type StoredEarlier } from "../store/earlier.ts";
import type { TrialItem } from "../store/trial.ts";
import type { FiniteValues, Params } from "../values.ts";
import { cost, violation } from "./objectives.ts";
import type { LeftOut, LoadedStudy, TakenStudy } from "./study.ts";

/** What of earlier studies a new one begins with, and what of them says nothing about it. */

/** Results that are taken of one earlier study: the better half of them the best, the others evenly spread over the rest. */
const MOST_RESULTS = 100;
/** Bytes of all that is taken, together: an item of the table has 400 KiB. */
const MOST_BYTES = 300_000;

/** A trial of an earlier study, as far as it matters here. */
export type EarlierTrial = Pick<TrialItem, "state" | "params" | "values" | "resource">;

/** An earlier study and its trials. */
export interface EarlierInput {
  readonly asked: TakenStudyRequest;
  readonly source: LoadedStudy;
  /** How many trials it has. */
  readonly total: number;
  /** Those of them that were read. */
  readonly trials: Iterable<EarlierTrial>;
}

type TakenStudyRequest = Pick<TakenStudy, "study" | "rename" | "metrics" | "assume">;

/** What is taken of one earlier study. */
export interface Taken {
  readonly shown: TakenStudy;
  readonly stored: StoredEarlier;
}

/**
 * Takes what a new study can use of an earlier one.
 * @param share the part of the room for all earlier studies that this one may take: one in so many.
 */
export const takeEarlier = (study: LoadedStudy, input: EarlierInput, share: number): Taken => {
  const { asked, source, total, trials } = input;
  const adoption: Adoption = { rename: asked.rename ?? {}, assume: asked.assume ?? {} };
  const left = new Map<LeftOutReason, { trials: number; parameters: Set<string> }>();
  const leave = (reason: LeftOutReason, count = 1, parameters: readonly string[] = []) => {
    const entry = left.get(reason) ?? { trials: 0, parameters: new Set<string>() };
    entry.trials += count;
    for (const name of parameters) entry.parameters.add(name);
    left.set(reason, entry);
  };
  let read = 0;
  const points = new Map<string, { readonly params: Params; readonly costs: number[]; results: number }>();
  for (const trial of trials) {
    read++;
    const judged = judge(study, source, trial, asked);
    if (typeof judged === "string") {
      leave(judged);
      continue;
    }
    const adopted = adopt(study.space, trial.params, adoption);
    if ("fault" in adopted) {
      leave(adopted.fault, 1, adopted.parameters);
      continue;
    }
    const key = JSON.stringify(adopted.params);
    const known = points.get(key);
    if (known === undefined) {
      points.set(key, { params: adopted.params, costs: [...judged], results: 1 });
      continue;
    }
    leave("repeated");
    known.results++;
    judged.forEach((value, j) => {
      known.costs[j]! += (value - known.costs[j]!) / known.results;
    });
  }
  if (read < total) leave("unread", total - read);
  const ordered = bestFirst([...points.values()]);
  const most = Math.min(MOST_RESULTS, roomFor(ordered, MOST_BYTES / share));
  const kept = keepBest(ordered, most, "middle");
  if (kept.length < ordered.length) leave("sampled", ordered.length - kept.length);
  const here = new Set([
    ...source.space.parameters.map(({ name }) => nameHere(name, adoption)),
    ...Object.keys(adoption.assume),
  ]);
  return {
    shown: {
      ...asked,
      trials: total,
      used: kept.length,
      leftOut: [...left].map(
        ([reason, { trials: count, parameters }]): LeftOut => ({
          reason,
          trials: count,
          ...(parameters.size > 0 && { parameters: [...parameters] }),
        }),
      ),
      unknown: study.space.parameters.map(({ name }) => name).filter((name) => !here.has(name)),
      ignored: source.space.parameters
        .map(({ name }) => name)
        .filter((name) => !study.space.byName.has(nameHere(name, adoption))),
    },
    stored: { params: kept.map(({ params }) => params), costs: kept.map(({ costs }) => costs) },
  };
};

/** A trial's costs by this study's objectives, or why it has none that count. */
const judge = (
  { spec }: LoadedStudy,
  source: LoadedStudy,
  { state, values, resource }: EarlierTrial,
  { metrics = {} }: Pick<TakenStudyRequest, "metrics">,
): number[] | LeftOutReason => {
  if (state === "failed") return "failed";
  if (state === "pruned" || state === "paused") return "stopped";
  if (state !== "completed" || values === null) return "unfinished";
  const { segments } = source.scheduler;
  if (segments !== undefined && resource !== null && resource < segments.end) return "stopped";
  const here: FiniteValues = { ...values };
  for (const [name, renamed] of Object.entries(metrics)) {
    if (Object.hasOwn(values, name)) here[renamed] = values[name]!;
  }
  const costs = spec.objectives.map((objective) => cost(objective, here));
  if (!costs.every(Number.isFinite)) return "unmeasured";
  // Outcomes that were not measured there are taken to be within their limits.
  return violation(spec, here) > 0 ? "infeasible" : costs;
};

/** Best first; by several objectives front by front. */
const bestFirst = <T extends { readonly costs: readonly number[] }>(points: readonly T[]): T[] => {
  const objectives = points[0]?.costs.length ?? 1;
  if (objectives === 1) return [...points].sort((a, b) => a.costs[0]! - b.costs[0]!);
  const y = Float64Array.from(points.flatMap(({ costs }) => costs));
  const rows = points.map((_, row) => row);
  return fronts(rows, y, objectives).flatMap((front) => front.map((row) => points[row]!));
};

/** How many of them fit into so many bytes, if all are as large as the largest. */
const roomFor = (
  points: readonly { readonly params: Params; readonly costs: readonly number[] }[],
  bytes: number,
): number => {
  const largest = points.reduce((most, { params, costs }) => Math.max(most, earlierBytes(params, costs)), 1);
  return Math.max(1, Math.floor(bytes / largest));
};

/** The study with the results that it began with, as its algorithm sees them. */
export const withEarlier = (study: LoadedStudy, stored: readonly StoredEarlier[] | null): LoadedStudy => {
  const { warmStart } = study.spec;
  if (warmStart === undefined || stored === null) return study;
  const earlier = warmStart.studies.flatMap(({ unknown }, i) =>
    stored[i] === undefined || stored[i].params.length === 0
      ? []
      : [resultsOf(study.space, stored[i], unknown)],
  );
  return { ...study, earlier };
};

const resultsOf = (
  space: Space,
  { params, costs }: StoredEarlier,
  unknown: readonly string[],
): EarlierResults => ({
  n: params.length,
  x: Float64Array.from(params.flatMap((one) => [...toCube(space, one)])),
  y: Float64Array.from(costs.flat()),
  unknown: Uint8Array.from(space.parameters, ({ name }) => Number(unknown.includes(name))),
});
