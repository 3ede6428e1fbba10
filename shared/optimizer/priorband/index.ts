import type { Random } from "../../numerics/random.ts";
import { sampleCube, sampleUniform } from "../../space/sample.ts";
import { type Algorithm, answer, type Draft, type History, type SeededProblem } from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";
import { pointOf } from "../common/rows.ts";
import { drawAround } from "./around.ts";
import { incumbentsOf, leadersOf } from "./leaders.ts";
import { type Source, sharesOf, trustIn } from "./shares.ts";

/** When the scheduler does not say which share of the trials goes on. */
const ETA = 3;
/** Draws per proposal; what is still missing then is found by `proposeWith`. */
const TRIES = 20;

const options = {};

/**
 * PriorBand's sampling: each trial is drawn uniformly, from the user's prior, or around the best trial so far. Trials that begin at a
 * low level explore; trust in the prior turns to the incumbent as far as the best results are likelier around it. Source: Mallik
 * et al. 2023, "PriorBand: Practical Hyperparameter Optimization in the Age of Deep Learning", section 5.
 * Cost of an ask: O(n) for the leaders of n trials.
 */
export const priorband: Algorithm<typeof options> = {
  name: "priorband",
  revision: 1,
  options,
  propose: (problem, history, count, random) => answer(draw(problem, history, count, random)),
};

const draw = (problem: SeededProblem, history: History, count: number, random: Random): Draft[] => {
  const { space, objectives, isLate, eta = ETA, starts = [] } = problem;
  const d = space.parameters.length;
  const fresh = createFresh(space, history);
  const leaders = leadersOf(history, { objectives, eta, isLate });
  const points = leaders.map((row) => pointOf(history, row, d));
  const incumbents = incumbentsOf(history, leaders, objectives).map((row) => pointOf(history, row, d));
  const trusts = new Map<Float64Array, number>();
  const trusted = (incumbent: Float64Array): number => {
    const trust = trusts.get(incumbent) ?? trustIn(space, incumbent, points);
    trusts.set(incumbent, trust);
    return trust;
  };
  const drafts: Draft[] = [];
  for (let i = 0; i < count && !isLate(); i++) {
    const incumbent = incumbents[random.integer(incumbents.length)] ?? null;
    const trust = incumbent === null ? 0 : trusted(incumbent);
    const shares = sharesOf(starts[drafts.length] ?? 0, eta, trust);
    const source = pick(shares, random);
    for (let tries = 0; tries < TRIES && !isLate(); tries++) {
      const { x, why } = drawFrom(source, problem, incumbent, random);
      if (x === null || !fresh.accepts(x)) continue;
      fresh.take(x);
      drafts.push({ x, algorithm: "priorband", why });
      break;
    }
  }
  return drafts;
};

const pick = (shares: Readonly<Record<Source, number>>, random: Random): Source => {
  const u = random.uniform();
  if (u < shares.uniform) return "uniform";
  return u < shares.uniform + shares.incumbent ? "incumbent" : "prior";
};

/** One draw, and where it comes from; null where nothing allowed is near. */
const drawFrom = (
  source: Source,
  { space }: SeededProblem,
  incumbent: Float64Array | null,
  random: Random,
): { x: Float64Array | null; why: string } => {
  if (source === "uniform") return { x: sampleUniform(space, random), why: "drawn uniformly" };
  return source === "incumbent" && incumbent !== null
    ? { x: drawAround(space, incumbent, random), why: "drawn around the best trial" }
    : { x: sampleCube(space, random), why: "drawn from the prior" };
};
