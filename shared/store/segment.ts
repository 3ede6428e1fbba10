import type { AttemptRecord, Decision } from "../schemas/trial.ts";
import { coordinateOf, coordinateOfNumber } from "../space/axis.ts";
import { isNumeric, type Space } from "../space/space.ts";
import type { FiniteValues, ParameterValue, Params } from "../values.ts";
import { segmentKey } from "./keys.ts";
import { MAX_ITEM_BYTES } from "./limits.ts";
import type { Change, Item, Store } from "./store.ts";
import type { Origin, Run, StoredGradients, TrialItem, TrialResult } from "./trial.ts";

/**
 * A segment: trials that have ended, or wait paused, dozens from a tail or as many as were imported at once, in one immutable
 * item, packed by column. Doubles are stored as their eight bytes, so every finite value reads back bit for bit. A trial that was folded while it was paused and has
 * gone on since is in the tail or in a later segment too: that one counts.
 *
 * Layout, little endian: u32 length of the header, header (JSON), then the columns in this order: number u32, state u8
 * (padded to 8 bytes), attempt u32, created f64, finished f64, resource f64, in version 2 bracket i32 and rung i32 (-1 none),
 * one f64 column per parameter in the space's order (a choice is its index, NaN inactive), one f64 column per metric (NaN
 * not told). Each column begins at a multiple of eight. Each text is in the header once, with one index per trial.
 * Version 2 is written when a trial is on a ladder, version 3 (the same layout) when one is paused, version 4 when one was compared
 * at a rung, version 5 when one goes on from another trial or is a run of a configuration, version 6 when one was told with gradients, so that other segments are still read by a version of Hone that knows only 1.
 * In version 6 one f64 column per numeric parameter follows, of derivatives (NaN not told).
 */
const READABLE: readonly number[] = [1, 2, 3, 4, 5, 6];

const STATES = ["completed", "pruned", "failed", "paused"] as const;

interface Header {
  readonly version: number;
  readonly count: number;
  readonly metrics: readonly string[];
  /** Every distinct text, once each. */
  readonly texts: readonly string[];
  /** For each of these fields, one index into `texts` per trial, -1 for none. */
  readonly algorithm: readonly number[];
  readonly why: readonly number[];
  readonly worker: readonly number[];
  readonly reason: readonly number[];
  readonly checkpoint: readonly number[];
  /** Trials with attempts that were lost: position and their records. */
  readonly attempts: readonly (readonly [number, readonly AttemptRecord[]])[];
  /** Trials that somebody told in place of their jobs: position and who. What does not know it reads the rest. */
  readonly tellers?: readonly (readonly [number, string])[];
  /** In version 6, trials that were told with gradients: position, and by what was differentiated. */
  readonly gradients?: readonly (readonly [number, StoredGradients["space"]])[];
  /** From version 5 on, trials that go on from another one: position and which. */
  readonly origins?: readonly (readonly [number, Origin])[];
  /** From version 4 on, trials that rungs recorded or compared: position and what they came to. */
  readonly curves?: readonly (readonly [number, TrialItem["curve"]])[];
  readonly decisions?: readonly (readonly [number, Decision])[];
  /** From version 5 on, one per trial: which run of which configuration it is. */
  readonly runs?: readonly (Run | null)[];
}

/** A decoded segment; its trials are made one at a time, on demand. */
export interface Segment {
  readonly count: number;
  /** Its size, packed. */
  readonly bytes: number;
  readonly numbers: Uint32Array;
  /** The names of its trials' metrics. */
  readonly metrics: readonly string[];
  readonly trial: (i: number) => TrialItem;
  /** The part of `trial` that a history holds: a hundred thousand whole trials are a lot of garbage. */
  readonly result: (i: number) => TrialResult;
  /** Writes a trial's point in the unit cube, as `toCube` makes it of its `params`, from an offset on. */
  readonly point: (i: number, into: Float64Array, offset: number) => void;
  /** Position of a trial's number, or -1. */
  readonly find: (number: number) => number;
}

const NO_RUNG = -1;
const NO_CURVE: TrialItem["curve"] = [];

const align = (offset: number) => (offset + 7) & ~7;

/** Below what an item may have, with its key; any one trial fits (`MAX_METRICS`, and the body that created its study). */
export const MAX_SEGMENT_BYTES = MAX_ITEM_BYTES - 10_000;

const choiceKey = (value: ParameterValue) => `${typeof value}:${String(value)}`;

/**
 * Packs trials that have ended or are paused.
 * @throws RangeError when a trial runs or waits for its first attempt.
 */
export const encodeSegment = (space: Space, trials: readonly TrialItem[]): Uint8Array => {
  const texts = new Map<string, number>();
  const textOf = (text: string | null): number => {
    if (text === null) return -1;
    const known = texts.get(text);
    if (known !== undefined) return known;
    texts.set(text, texts.size);
    return texts.size - 1;
  };
  const metrics = [...new Set(trials.flatMap((trial) => Object.keys(trial.values ?? {})))];
  const indexed = {
    algorithm: trials.map((trial) => textOf(trial.algorithm)),
    why: trials.map((trial) => textOf(trial.why)),
    worker: trials.map((trial) => textOf(trial.worker)),
    reason: trials.map((trial) => textOf(trial.reason)),
    checkpoint: trials.map((trial) => textOf(trial.checkpoint)),
  };
  const hasPaused = trials.some(({ state }) => state === "paused");
  const isOnLadder = trials.some(({ bracket, rung }) => bracket !== null || rung !== null);
  const curves = trials.flatMap(({ curve }, i) => (curve.length === 0 ? [] : [[i, curve] as const]));
  const decisions = trials.flatMap(({ decision }, i) => (decision === null ? [] : [[i, decision] as const]));
  const tellers = trials.flatMap(({ toldBy }, i) => (toldBy === undefined ? [] : [[i, toldBy] as const]));
  const origins = trials.flatMap(({ origin }, i) => (origin === undefined ? [] : [[i, origin] as const]));
  const wasCompared = curves.length + decisions.length > 0;
  const hasRuns = trials.some(({ run }) => run !== null);
  const gradients = trials.flatMap(({ gradients }, i) =>
    gradients === undefined ? [] : [[i, gradients.space] as const],
  );
  const hasGradients = gradients.length > 0;
  const goesOn = origins.length > 0 || hasRuns;
  const hasPlaces = hasGradients || goesOn || wasCompared || hasPaused || isOnLadder;
  const header: Header = {
    version: hasGradients ? 6 : goesOn ? 5 : wasCompared ? 4 : hasPaused ? 3 : hasPlaces ? 2 : 1,
    count: trials.length,
    metrics,
    texts: [...texts.keys()],
    ...indexed,
    attempts: trials.flatMap((trial, i) =>
      trial.attempts.length === 0 ? [] : [[i, trial.attempts] as const],
    ),
    ...(wasCompared && { curves, decisions }),
    ...(tellers.length > 0 && { tellers }),
    ...(origins.length > 0 && { origins }),
    ...(hasGradients && { gradients }),
    ...(hasRuns && { runs: trials.map(({ run }) => run) }),
  };
  const head = new TextEncoder().encode(JSON.stringify(header));
  const n = trials.length;
  const differentiable = hasGradients ? space.parameters.filter(isNumeric) : [];
  const columns = space.parameters.length + metrics.length + differentiable.length + 3;
  const start = align(4 + head.length);
  const integers = hasPlaces ? 4 : 2;
  const bytes = new Uint8Array(start + integers * align(4 * n) + align(n) + columns * 8 * n);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);

  let offset = start;
  const take = (size: number) => {
    const here = offset;
    offset += align(size);
    return here;
  };
  const doubles = () => new Float64Array(bytes.buffer, take(8 * n), n);
  new Uint32Array(bytes.buffer, take(4 * n), n).set(trials.map((trial) => trial.number));
  bytes.set(
    trials.map((trial) => {
      const code = STATES.indexOf(trial.state as (typeof STATES)[number]);
      if (code < 0)
        throw new RangeError(
          `Trial ${trial.number} is ${trial.state}; only finished and paused trials are folded.`,
        );
      return code;
    }),
    take(n),
  );
  new Uint32Array(bytes.buffer, take(4 * n), n).set(trials.map((trial) => trial.attempt));
  doubles().set(trials.map((trial) => trial.created));
  doubles().set(trials.map((trial) => trial.finished ?? Number.NaN));
  doubles().set(trials.map((trial) => trial.resource ?? Number.NaN));
  if (hasPlaces) {
    new Int32Array(bytes.buffer, take(4 * n), n).set(trials.map((trial) => trial.bracket ?? NO_RUNG));
    new Int32Array(bytes.buffer, take(4 * n), n).set(trials.map((trial) => trial.rung ?? NO_RUNG));
  }
  for (const parameter of space.parameters) {
    const indices =
      "choices" in parameter ? new Map(parameter.choices.map((choice, i) => [choiceKey(choice), i])) : null;
    doubles().set(
      trials.map((trial) => {
        const value = trial.params[parameter.name];
        if (value === undefined) return Number.NaN;
        return indices === null ? Number(value) : (indices.get(choiceKey(value)) ?? Number.NaN);
      }),
    );
  }
  for (const metric of metrics) doubles().set(trials.map((trial) => trial.values?.[metric] ?? Number.NaN));
  for (const { name } of differentiable) {
    doubles().set(trials.map(({ gradients }) => gradients?.values[name] ?? Number.NaN));
  }
  return bytes;
};

/** @throws Error for a version this code does not know. */
export const decodeSegment = (study: string, space: Space, packed: Uint8Array): Segment => {
  // A copy at offset 0: columns must lie on multiples of eight.
  const bytes = packed.byteOffset % 8 === 0 ? packed : packed.slice();
  const headLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + headLength))) as Header;
  if (!READABLE.includes(header.version)) throw new Error(`Segment version ${header.version} is not known.`);
  const n = header.count;
  let offset = bytes.byteOffset + align(4 + headLength);
  const take = (size: number) => {
    const here = offset;
    offset += align(size);
    return here;
  };
  const doubles = () => new Float64Array(bytes.buffer, take(8 * n), n);
  const integers = () => new Int32Array(bytes.buffer, take(4 * n), n);
  const numbers = new Uint32Array(bytes.buffer, take(4 * n), n);
  const states = new Uint8Array(bytes.buffer, take(n), n);
  const attempt = new Uint32Array(bytes.buffer, take(4 * n), n);
  const created = doubles();
  const finished = doubles();
  const resource = doubles();
  const places = header.version >= 2 ? { bracket: integers(), rung: integers() } : null;
  const parameters = space.parameters.map((parameter) => ({ parameter, column: doubles() }));
  const metrics = header.metrics.map((metric) => ({ metric, column: doubles() }));
  const slopes = (header.gradients === undefined ? [] : space.parameters.filter(isNumeric)).map(
    ({ name }) => ({ name, column: doubles() }),
  );
  const gradientSpaces = new Map(header.gradients);
  const lostAttempts = new Map(header.attempts);
  const curves = new Map(header.curves);
  const decisions = new Map(header.decisions);
  const origins = new Map(header.origins);
  const tellers = new Map(header.tellers);
  let positions: Map<number, number> | null = null;
  const find = (number: number): number => {
    positions ??= new Map(Array.from(numbers, (one, i) => [one, i]));
    return positions.get(number) ?? -1;
  };
  const text = (index: number | undefined) => (index === undefined ? null : (header.texts[index] ?? null));
  const placeOrNull = (value: number | undefined) =>
    value === undefined || value === NO_RUNG ? null : value;
  const orNull = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : value);

  const gradientsOf = (i: number): StoredGradients | undefined => {
    const space = gradientSpaces.get(i);
    if (space === undefined) return undefined;
    const told = slopes.flatMap(({ name, column }) => {
      const value = orNull(column[i]);
      return value === null ? [] : [[name, value] as const];
    });
    return { space, values: Object.fromEntries(told) };
  };

  const result = (i: number) => {
    const values: FiniteValues = {};
    let isTold = false;
    for (const { metric, column } of metrics) {
      const value = orNull(column[i]);
      if (value === null) continue;
      values[metric] = value;
      isTold = true;
    }
    const origin = origins.get(i);
    const gradients = gradientsOf(i);
    return {
      number: numbers[i] ?? 0,
      state: STATES[states[i] ?? 0] ?? ("failed" as const),
      values: isTold ? values : null,
      ...(gradients !== undefined && { gradients }),
      resource: orNull(resource[i]),
      bracket: placeOrNull(places?.bracket[i]),
      rung: placeOrNull(places?.rung[i]),
      curve: curves.get(i) ?? NO_CURVE,
      checkpoint: text(header.checkpoint[i]),
      ...(origin !== undefined && { origin }),
      run: header.runs?.[i] ?? null,
    };
  };

  const point = (i: number, into: Float64Array, offset: number): void => {
    for (const { parameter, column } of parameters) {
      const value = column[i] ?? Number.NaN;
      into[offset + parameter.index] = Number.isNaN(value)
        ? Number.NaN
        : isNumeric(parameter)
          ? coordinateOfNumber(parameter, value)
          : coordinateOf(parameter, value);
    }
  };

  const trial = (i: number): TrialItem => {
    const params: Params = {};
    for (const { parameter, column } of parameters) {
      const value = column[i] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      params[parameter.name] = "choices" in parameter ? (parameter.choices[value] ?? null) : value;
    }
    return {
      ...result(i),
      study,
      attempt: attempt[i] ?? 0,
      lost: 0,
      seconds: 0,
      params,
      worker: text(header.worker[i]),
      algorithm: text(header.algorithm[i]) ?? "",
      why: text(header.why[i]) ?? "",
      reason: text(header.reason[i]),
      created: created[i] ?? 0,
      leaseExpires: null,
      finished: orNull(finished[i]),
      decision: decisions.get(i) ?? null,
      attempts: lostAttempts.get(i) ?? [],
      ...(tellers.has(i) && { toldBy: tellers.get(i) ?? "" }),
      job: null,
    };
  };
  const { metrics: names } = header;
  return { count: n, bytes: bytes.length, numbers, metrics: names, trial, result, point, find };
};

/** A new segment; fails under the name "segment" when another fold took its number first. */
export const newSegment = (study: string, k: number, bytes: Uint8Array): Change => ({
  name: "segment",
  key: segmentKey(study, k),
  put: { data: bytes },
  when: { expression: "attribute_not_exists(pk)" },
});

/** Segments `from` to `to - 1`, in order. */
export const readSegments = async (
  store: Store,
  study: string,
  space: Space,
  from: number,
  to: number,
): Promise<Segment[]> => {
  if (from >= to) return [];
  const items = await store.query(
    segmentKey(study, from).pk,
    segmentKey(study, from).sk,
    segmentKey(study, to - 1).sk,
  );
  return items.map((item: Item) => decodeSegment(study, space, item.data as Uint8Array));
};
