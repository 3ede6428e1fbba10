import type { Random } from "../../numerics/random.ts";
import { createRandom } from "../../numerics/random.ts";
import { type Algorithm, answer, type Draft, type History, type SeededProblem } from "../algorithm.ts";
import { gather } from "../common/evidence.ts";
import { createFresh } from "../common/fresh.ts";
import { scalarised } from "../common/scalarise.ts";
import { type Bits, bitsOf } from "./bits.ts";
import { check, type Options, options, settingsOf } from "./options.ts";
import { evaluate, type Monomial, minimiser, sparsePolynomial } from "./polynomial.ts";

const TRIES = 50;

/**
 * Harmonica, the spectral method, in stages: random trials, a sparse polynomial in bits fitted to their results, and the bits
 * of its monomials fixed at its minimum; the next stage does the same with the other bits. After the last stage trials are
 * random in the bits that are not fixed.
 * Source: Hazan, Klivans and Yuan 2018. Parameters that are not binary are coded in bits: up to 16 values exactly, others
 * by four levels. With a budget under 1,500 trials each stage has a fifth of it.
 * Cost of an ask: O(bits^3 * samples) per completed stage; a stage for which time runs out fixes nothing.
 */
export const harmonica: Algorithm<typeof options> = {
  name: "harmonica",
  revision: 2,
  options,
  check,
  propose: (problem, history, count, random) => answer(search(problem, history, count, random)),
};

const search = (
  problem: SeededProblem<Options>,
  history: History,
  count: number,
  random: Random,
): Draft[] => {
  const { space } = problem;
  const bits = bitsOf(space);
  const { fixed, stage, isOver } = stagesOf(problem, history, bits);
  const fresh = createFresh(space, history);
  for (let tries = 0; fresh.taken.length < count && tries < TRIES * count; tries++) {
    const x = bits.draw(fixed, random);
    if (fresh.accepts(x)) fresh.take(x);
  }
  const why = isOver ? `random, ${fixed.size} of ${bits.count} bits fixed` : `stage ${stage + 1}, at random`;
  return fresh.taken.map((x) => ({ x, algorithm: "harmonica", why }));
};

/** Replays the stages: each takes the first ended trials that agree with the bits fixed so far. */
const stagesOf = (problem: SeededProblem<Options>, history: History, bits: Bits) => {
  const { space, seed, objectives, isLate } = problem;
  const d = space.parameters.length;
  const { stages, samples, degree, monomials: keep } = settingsOf(problem.options, problem);
  const fixed = new Map<number, number>();
  const evidence = gather(history, objectives, problem.outcomes ?? 0, "plain");
  if (evidence === null) return { fixed, stage: 0, isOver: false };
  const targets = penalise(
    scalarised(evidence.objectives, createRandom(seed, 0x6861726d)),
    evidence.isFeasible,
  );
  const learned: Monomial[] = [];
  const isUsed = new Uint8Array(evidence.rows.length);
  for (let stage = 0; stage < stages; stage++) {
    const agreeing: number[] = [];
    const codes: Int8Array[] = [];
    const wanted = [...fixed];
    for (const [i, row] of evidence.rows.entries()) {
      if (agreeing.length === samples) break;
      if (isUsed[i]) continue;
      const code = bits.encode(history.x.subarray(row * d, (row + 1) * d));
      if (!wanted.every(([b, v]) => code[b] === v || code[b] === 0)) continue;
      agreeing.push(i);
      codes.push(code);
    }
    if (agreeing.length < samples) return { fixed, stage, isOver: false };
    for (const i of agreeing) isUsed[i] = 1;
    const left = Float64Array.from(agreeing, (i, k) => targets[i]! - evaluate(learned, codes[k]!));
    const free = Array.from({ length: bits.count }, (_, b) => b).filter((b) => !fixed.has(b));
    const monomials = sparsePolynomial(codes, left, { free, degree, keep, isLate });
    if (monomials === null) return { fixed, stage, isOver: false };
    learned.push(...monomials);
    for (const [b, v] of minimiser(monomials)) fixed.set(b, v);
  }
  return { fixed, stage: stages, isOver: true };
};

/** Infeasible trials count as the worst one. */
const penalise = (targets: Float64Array, isFeasible: readonly boolean[]): Float64Array => {
  if (!isFeasible.some(Boolean)) return targets;
  const worst = targets.reduce((a, b) => Math.max(a, b), -Infinity);
  return targets.map((target, i) => (isFeasible[i] ? target : worst));
};
