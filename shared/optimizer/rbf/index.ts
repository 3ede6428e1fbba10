import type { Random } from "../../numerics/random.ts";
import { indexOf } from "../../space/axis.ts";
import type { Parameter, Space } from "../../space/space.ts";
import { type Algorithm, answer, type Draft, type History, type SeededProblem } from "../algorithm.ts";
import { globalCandidates, localCandidates, neighbours } from "../common/candidates.ts";
import { type Evidence, gather } from "../common/evidence.ts";
import { createFresh, type Fresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { isNear } from "../common/nearness.ts";
import { pointOf, runningPoints } from "../common/rows.ts";
import { scalarised } from "../common/scalarise.ts";
import { keepBest } from "../common/thin.ts";
import {
  BASES,
  type Basis,
  type Interpolant,
  interpolate,
  type Nodes,
  rankDisplacement,
  squaredDistance,
} from "./interpolant.ts";

const options = {};

/** A cycle: global steps that weight the distance less and less, then a local one, then a refinement. */
const DISTANCE_WEIGHTS = [0.95, 0.75, 0.5, 0.25, 0.05] as const;
const LOCAL = DISTANCE_WEIGHTS.length;
const CYCLE = LOCAL + 2;
const CANDIDATES = 800;
/** The part of the candidates that each further trial of a batch gets. */
const FURTHER = 1 / 16;
/** Descents on the interpolant from the best candidates, their steps, and the neighbours of a step. */
const DESCENTS = 3;
const ROUNDS = 8;
const AROUND = 24;
/** Nodes at most (the best results and a sample of the others), and those on which the basis is chosen. */
const MOST = 300;
const CHOOSING = 60;
/** Points nearer than this to a node are not tried: they would give no information and make the system singular. */
const CLOSE = 1e-5;
/** A local step whose predicted gain is below this part of the range of values also weights distance. */
const PROMISE = 1e-4;
const IDLE_WEIGHT = 0.25;
/** A refinement searches within this part of each axis around the best point. */
const REFINED = 0.05;

/**
 * Optimisation with radial basis functions: an interpolant of the results, and candidates scored by its value and their
 * distance from all nodes, in a cycle from exploring to refining (MSRSM; Regis and Shoemaker 2007, with the cycle of RBFOpt,
 * Costa and Nannicini 2018). The basis is the one that best keeps the order of the results when each is left out.
 * Running trials are nodes at their predicted value. Cost of an ask: O(min(n, 300)^3).
 */
export const rbf: Algorithm<typeof options> = {
  name: "rbf",
  revision: 2,
  options,
  propose: (problem, history, count, random) => {
    const evidence = gather(history, problem.objectives, problem.outcomes ?? 0);
    const d = problem.space.parameters.length;
    const startup = Math.max(4, Math.ceil((d + 1) * (problem.budget.parallel > 1 ? 1 : 0.5)));
    const isStart = evidence === null || evidence.rows.length < startup;
    return answer(
      isStart
        ? initialDesign(problem, history, count, { algorithm: "rbf", startsInMiddle: true })
        : model(problem, history, evidence, count, random),
    );
  },
};

const model = (
  problem: SeededProblem,
  history: History,
  evidence: Evidence,
  count: number,
  random: Random,
): Draft[] => {
  const { space, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const fresh = createFresh(space, history);
  const running = runningPoints(history, d);
  const targets = penalised(evidence, random);
  const order = evidence.rows.map((_, i) => i).sort((a, b) => targets[a]! - targets[b]!);
  const kept = keepBest(order, MOST, "first");
  const pointAt = (i: number) => pointOf(history, evidence.rows[i]!, d);
  const groups = groupClose(kept.map(pointAt));
  const points = groups.map(({ x }) => x);
  const means = Float64Array.from(
    groups,
    ({ members }) => members.reduce((sum, i) => sum + targets[kept[i]!]!, 0) / members.length,
  );
  const nodes = nodesOf(space, points, means);
  const basis = chooseBasis(nodes);
  const best = pointAt(order[0]!);
  const proposals: Draft[] = [];
  const apart = groupClose(running.filter((x) => !points.some((node) => isNear(node, x, CLOSE))));
  let all = believing(
    space,
    nodes,
    apart.map(({ x }) => x),
    basis,
  );
  const interpolant = interpolate(all, basis) ?? interpolate(all, "linear");
  if (interpolant === null) return proposals;
  for (let i = 0; i < count; i++) {
    const step = (firstNumber + i) % CYCLE;
    // Trials of a batch differ by their steps and keep a distance; the first one is searched for most thoroughly.
    const effort = i === 0 ? 1 : FURTHER;
    const around = { space, isLate, random };
    const x = nextPoint({ around, nodes: all, interpolant, best, step, effort, fresh });
    if (x === null) break;
    fresh.take(x);
    all = joined(space, all, [x], () => 0);
    proposals.push({ x, algorithm: "rbf", why: `${basis} basis, ${nameOf(step)}` });
  }
  return proposals;
};

const nameOf = (step: number): string =>
  step < LOCAL ? `global step ${step + 1}` : step === LOCAL ? "local step" : "refinement";

/**
 * One target per trial; an infeasible one is worse than all feasible ones. An interpolant meets every value, so that the
 * worst value beside good trials bends it everywhere: what failed counts as the median while it is rare, and as the worst
 * when half of the trials fail.
 */
const penalised = (evidence: Evidence, random: Random): Float64Array => {
  const targets = scalarised(evidence.objectives, random);
  const known = targets.filter((_, i) => evidence.noise[i]! <= 1).sort();
  const share = 1 - known.length / targets.length;
  const failure = known[Math.floor(Math.min(1, Math.max(0.5, 2 * share)) * (known.length - 1))];
  if (failure !== undefined) {
    for (let i = 0; i < targets.length; i++)
      if (evidence.noise[i]! > 1) targets[i] = Math.min(targets[i]!, failure);
  }
  const worst = targets.reduce((a, b) => Math.max(a, b), -Infinity);
  const penalty = new Float64Array(targets.length);
  for (const { positions, excess } of evidence.constraints) {
    for (const [k, position] of positions.entries()) penalty[position]! += Math.max(0, excess[k]!);
  }
  return targets.map((target, i) => (penalty[i]! > 0 ? worst + penalty[i]! : target));
};

/** Points that lie apart, each with the indices of those close to it. Of points nearer to each other an interpolant is singular. */
const groupClose = (points: readonly Float64Array[]) => {
  const groups: { x: Float64Array; members: number[] }[] = [];
  for (const [i, x] of points.entries()) {
    const group = groups.find((other) => isNear(other.x, x, CLOSE));
    if (group === undefined) groups.push({ x, members: [i] });
    else group.members.push(i);
  }
  return groups;
};

/** A categorical parameter of more choices is one code; of fewer, a corner of a simplex, and each choice has a slope. */
const MANY_CHOICES = 32;
const isCoded = ({ kind, size }: Parameter): boolean => kind === "categorical" && size > MANY_CHOICES;

/** Numbers as they are, the middle where inactive; of a categorical parameter a corner of a simplex; then the codes. */
const featuresOf = (
  space: Space,
  points: readonly Float64Array[],
): { width: number; plain: number; x: Float64Array } => {
  const coded = space.parameters.filter(isCoded);
  const others = space.parameters.filter((parameter) => !isCoded(parameter));
  const plain = others.reduce((sum, { kind, size }) => sum + (kind === "categorical" ? size : 1), 0);
  const width = plain + coded.length;
  const x = new Float64Array(points.length * width);
  for (const [i, point] of points.entries()) {
    let k = i * width;
    for (const parameter of others) {
      const u = point[parameter.index]!;
      if (parameter.kind !== "categorical") x[k++] = Number.isNaN(u) ? 0.5 : u;
      else {
        if (!Number.isNaN(u)) x[k + indexOf(parameter, u)] = Math.SQRT1_2;
        k += parameter.size;
      }
    }
    for (const parameter of coded) {
      const u = point[parameter.index]!;
      x[k++] = Number.isNaN(u) ? -1 : indexOf(parameter, u);
    }
  }
  return { width, plain, x };
};

const nodesOf = (space: Space, points: readonly Float64Array[], y: Float64Array): Nodes => ({
  n: points.length,
  y,
  ...featuresOf(space, points),
});

const chooseBasis = (nodes: Nodes): Basis => {
  const n = Math.min(nodes.n, CHOOSING);
  const some = { ...nodes, n, x: nodes.x.subarray(0, n * nodes.width), y: nodes.y.subarray(0, n) };
  const scores = BASES.map((basis) => rankDisplacement(some, basis));
  return BASES[scores.indexOf(Math.min(...scores))] ?? "cubic";
};

/** The nodes, and the running trials at the values predicted for them. */
const believing = (space: Space, nodes: Nodes, running: readonly Float64Array[], basis: Basis): Nodes => {
  if (running.length === 0) return nodes;
  const interpolant = interpolate(nodes, basis);
  const middle = nodes.y.reduce((a, b) => a + b, 0) / nodes.n;
  return joined(space, nodes, running, (x, offset) => interpolant?.at(x, offset) ?? middle);
};

/** Nodes and more points, at values that a function of their features gives. */
const joined = (
  space: Space,
  nodes: Nodes,
  points: readonly Float64Array[],
  valueAt: (x: Float64Array, offset: number) => number,
): Nodes => {
  const { width } = nodes;
  const more = featuresOf(space, points).x;
  const n = nodes.n + points.length;
  const x = new Float64Array(n * width);
  x.set(nodes.x);
  x.set(more, nodes.n * width);
  const y = new Float64Array(n);
  y.set(nodes.y);
  for (let i = 0; i < points.length; i++) y[nodes.n + i] = valueAt(more, i * width);
  return { ...nodes, n, x, y };
};

interface Candidate {
  readonly x: Float64Array;
  readonly value: number;
  readonly distance: number;
}

const weigh = (
  space: Space,
  nodes: Nodes,
  interpolant: Interpolant,
  points: readonly Float64Array[],
): Candidate[] => {
  const { n, width } = nodes;
  const { x } = featuresOf(space, points);
  return points.map((point, i) => {
    let nearest = Infinity;
    for (let k = 0; k < n; k++)
      nearest = Math.min(nearest, squaredDistance(x, i * width, nodes.x, k * width, nodes));
    return { x: point, value: interpolant.at(x, i * width), distance: Math.sqrt(nearest) };
  });
};

/** Neighbours that a round of a descent evaluates at most. */
const MOST_NEIGHBOURS = 100;

/** About so many of many points, spread over their order; which ones, is drawn. */
const some = (points: readonly Float64Array[], random: Random): readonly Float64Array[] => {
  if (points.length <= MOST_NEIGHBOURS) return points;
  const step = Math.ceil(points.length / MOST_NEIGHBOURS);
  const first = random.integer(step);
  return points.filter((_, k) => k % step === first);
};

/** Descends from a candidate by random steps that become smaller. */
const descend = (
  start: Candidate,
  heightOf: (candidate: Candidate) => number,
  largest: number,
  weighAll: (points: readonly Float64Array[]) => Candidate[],
  { space, isLate, random }: Around,
): Candidate => {
  let least = start;
  for (let round = 0, reach = largest; round < ROUNDS && !isLate(); round++) {
    const around = [
      ...localCandidates(space, [least.x], AROUND, reach, random),
      ...(round % 3 === 0 ? some(neighbours(space, least.x, random), random) : []),
    ];
    const next = weighAll(around).reduce((a, b) => (heightOf(b) < heightOf(a) ? b : a), least);
    if (next === least) reach /= 2;
    least = next;
  }
  return least;
};

interface Around {
  readonly space: Space;
  readonly isLate: () => boolean;
  readonly random: Random;
}

interface Look {
  readonly around: Around;
  readonly nodes: Nodes;
  readonly interpolant: Interpolant;
  /** The best point so far. */
  readonly best: Float64Array;
  /** The step of the cycle. */
  readonly step: number;
  /** The part of the candidates that are looked at, up to 1. */
  readonly effort: number;
  readonly fresh: Fresh;
}

/** The candidate that the step of the cycle prefers. */
const nextPoint = (look: Look): Float64Array | null => {
  const { around, nodes, interpolant, best, step, effort, fresh } = look;
  const { space, random } = around;
  const isRefinement = step > LOCAL;
  const candidates = effort * CANDIDATES;
  const reach = isRefinement ? REFINED : 0.3;
  const points = [
    ...(isRefinement ? [] : globalCandidates(space, candidates / 2, random)),
    ...localCandidates(space, [best], isRefinement ? candidates / 2 : candidates / 4, reach, random),
  ];
  const weighAll = (some: readonly Float64Array[]) => weigh(space, nodes, interpolant, some);
  const height = ({ value }: Candidate) => value;
  const starts = Math.ceil(effort * DESCENTS);
  const weighed = weighAll(points);
  const lowest = leastBy(weighed, height, starts).map((start) =>
    descend(start, height, isRefinement ? REFINED : 0.2, weighAll, around),
  );
  const all = [...lowest, ...weighed];
  // If the least value predicts no gain, distance counts too: another sample there would give no information.
  const range = nodes.y.reduce((a, b) => Math.max(a, b)) - nodes.y.reduce((a, b) => Math.min(a, b));
  const promised = nodes.y.reduce((a, b) => Math.min(a, b)) - Math.min(...all.map(height));
  const isIdle = promised <= PROMISE * range;
  const weight = step < LOCAL ? DISTANCE_WEIGHTS[step]! : isIdle ? IDLE_WEIGHT : 0;
  const score = scoreOf(all, weight);
  const apart = all.filter(({ distance }) => distance > CLOSE);
  const ordered = leastBy(apart.length > 0 ? apart : all, score, Infinity);
  return ordered.find(({ x }) => fresh.accepts(x))?.x ?? null;
};

/** Value and closeness to the nodes, both relative to their range among the candidates. */
const scoreOf = (candidates: readonly Candidate[], weight: number): ((candidate: Candidate) => number) => {
  const values = candidates.map(({ value }) => value);
  const distances = candidates.map(({ distance }) => distance);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const far = Math.max(...distances);
  const near = Math.min(...distances);
  return ({ value, distance }) =>
    (high > low ? (value - low) / (high - low) : 0) +
    weight * (far > near ? (far - distance) / (far - near) : 0);
};

const leastBy = (
  candidates: readonly Candidate[],
  height: (candidate: Candidate) => number,
  count: number,
): Candidate[] =>
  candidates
    .map((candidate) => ({ candidate, height: height(candidate) }))
    .sort((a, b) => a.height - b.height)
    .slice(0, count)
    .map(({ candidate }) => candidate);
