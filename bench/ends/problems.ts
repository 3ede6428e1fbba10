import { createRandom } from "../../shared/numerics/random.ts";
import type { Params } from "../../shared/values.ts";
import { type BenchProblem, floats, number, place, sum, vector } from "../tpe/problems.ts";

/**
 * Problems on which it matters whether an optimizer believes that the optimum seldom lies at an end of a range: those whose
 * optimum does lie at ends, because the range was drawn too narrow or because the best value is the largest or none at
 * all, and wide spaces, of which few parameters matter and where a model of few results prefers the ends of all others.
 */

/** The distance of a number's place on the logarithm of its range from a share of it. */
const onLog = (params: Params, name: string, low: number, high: number): number =>
  Math.log(number(params, name) / low) / Math.log(high / low);

const network: BenchProblem = {
  name: "one layer, no dropout, the largest batch; 6 mixed",
  space: {
    layers: { type: "int", low: 1, high: 12 },
    dropout: { type: "float", low: 0, high: 0.7 },
    batch: { type: "int", low: 16, high: 2048, scale: "log" },
    lr: { type: "float", low: 1e-5, high: 1, scale: "log" },
    decay: { type: "float", low: 1e-7, high: 1e-1, scale: "log" },
    optimizer: { type: "categorical", choices: ["sgd", "adam", "lion"] },
  },
  regret: (instance) => {
    const [lr, decay, which] = place(instance, 3, 0.25, 0.75) as [number, number, number];
    const better = ["sgd", "adam", "lion"][Math.floor(6 * (which - 0.25))];
    return (params) =>
      0.03 * (number(params, "layers") - 1) +
      0.5 * number(params, "dropout") +
      0.2 * (1 - onLog(params, "batch", 16, 2048)) +
      2 * (onLog(params, "lr", 1e-5, 1) - lr) ** 2 +
      0.3 * (onLog(params, "decay", 1e-7, 1e-1) - decay) ** 2 +
      (params.optimizer === better ? 0 : 0.1);
  },
};

/** Waves on a slope that leads into a corner: some results of every region are misleading. */
const waves: BenchProblem = {
  name: "waves on a slope into a corner, 6 floats",
  space: floats(6, 0, 1),
  regret: (instance) => {
    const random = createRandom(instance, 0x776176);
    const isHigh = Array.from({ length: 6 }, () => random.uniform() < 0.5);
    const slope = isHigh.map(() => 0.3 + random.uniform());
    return (params) =>
      sum(
        vector(params, 6).map((u, i) => {
          const z = isHigh[i] ? 1 - u : u;
          return slope[i]! * z + 0.15 * (1 - Math.cos(14 * z));
        }),
      );
  },
};

/** Ten numbers with weak effects that all end well at an end, five of them beside others that do not. */
const weak: BenchProblem = {
  name: "five ends among twelve, 12 mixed",
  space: {
    ...floats(6, 0, 1),
    ...Object.fromEntries(
      Array.from({ length: 4 }, (_, i) => [`n${i}`, { type: "int", low: 1, high: 20 } as const]),
    ),
    rate: { type: "float", low: 1e-5, high: 1, scale: "log" },
    kind: { type: "categorical", choices: ["a", "b", "c"] },
  },
  regret: (instance) => {
    const best = place(instance, 6, 0.2, 0.8);
    return (params) => {
      const x = vector(params, 6);
      const n = [0, 1, 2, 3].map((i) => (number(params, `n${i}`) - 1) / 19);
      const rate = onLog(params, "rate", 1e-5, 1) - best[5]!;
      const own = 0.3 * x[0]! + 0.2 * (1 - x[1]!) + 0.4 * n[0]! ** 2 + 0.2 * (1 - n[1]!) + 0.1 * n[2]!;
      const inside = sum([2, 3, 4].map((i) => (x[i]! - best[i]!) ** 2)) + (n[3]! - best[1]!) ** 2;
      return (
        own + inside + 3 * rate ** 2 + 0.5 * rate * x[0]! + ["b", "a", "c"].indexOf(String(params.kind)) * 0.1
      );
    };
  },
};

/** The sum of slopes and bowls; `out` of the d optima lie beyond a range, by up to a third of it. */
const narrow = (d: number, out: number): BenchProblem => ({
  name: `a bowl beyond ${out} of ${d} ranges`,
  space: floats(d, 0, 1),
  regret: (instance) => {
    const random = createRandom(instance, 0x656e64);
    const centre = Array.from({ length: d }, (_, i) => {
      const inside = 0.2 + 0.6 * random.uniform();
      const beyond = 0.05 + 0.3 * random.uniform();
      const isHigh = random.uniform() < 0.5;
      return i >= out ? inside : isHigh ? 1 + beyond : -beyond;
    });
    const weight = centre.map(() => 10 ** (-1 + 1.5 * random.uniform()));
    const at = (x: readonly number[]) => sum(x.map((u, i) => weight[i]! * (u - centre[i]!) ** 2));
    const least = at(centre.map((u) => Math.min(1, Math.max(0, u))));
    return (params) => at(vector(params, d)) - least;
  },
});

const saturating: BenchProblem = {
  name: "the more the better, with diminishing returns; 4 mixed",
  space: {
    trees: { type: "int", low: 10, high: 1000 },
    depth: { type: "int", low: 2, high: 16 },
    rate: { type: "float", low: 1e-3, high: 0.5, scale: "log" },
    share: { type: "float", low: 0.3, high: 1 },
  },
  regret: (instance) => {
    const [depth, share] = place(instance, 2, 0.3, 0.8) as [number, number];
    const at = (trees: number, d: number, rate: number, s: number) =>
      Math.exp(-(trees * rate) / 20) + 1.5 * rate + 0.5 * (d - depth) ** 2 + 0.3 * (s - share) ** 2;
    // With all the trees the best rate is where the derivative vanishes: 1000 / 20 * exp(-50 rate) = 1.5.
    const best = Math.log(50 / 1.5) / 50;
    const least = at(1000, depth, best, share);
    return (params) =>
      Math.max(
        0,
        at(
          number(params, "trees"),
          (number(params, "depth") - 2) / 14,
          number(params, "rate"),
          (number(params, "share") - 0.3) / 0.7,
        ) - least,
      ) + 1e-9;
  },
};

/** Six-dimensional Hartmann's function; its minimum is -3.32237. */
const ALPHA = [1, 1.2, 3, 3.2];
const A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];
const hartmann = (x: readonly number[]): number =>
  3.32237 - sum(ALPHA.map((a, i) => a * Math.exp(-sum(x.map((u, j) => A[i]![j]! * (u - P[i]![j]!) ** 2)))));

/** `count` different positions below d, other ones for each instance. */
const positions = (instance: number, d: number, count: number): number[] => {
  const random = createRandom(instance, 0x77696465);
  const all = Array.from({ length: d }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => {
    const j = i + random.integer(d - i);
    [all[i], all[j]] = [all[j]!, all[i]!];
    return all[i]!;
  });
};

/** A function of few numbers in [0, 1], which are some of the d numbers of a space. */
const embedded = (
  name: string,
  d: number,
  count: number,
  f: (instance: number) => (x: readonly number[]) => number,
): BenchProblem => ({
  name: `${name} in ${d} dimensions`,
  space: floats(d, 0, 1),
  regret: (instance) => {
    const chosen = positions(instance, d, count);
    const own = f(instance);
    return (params) => own(chosen.map((i) => number(params, `x${i}`)));
  },
});

/** A steep, a bent and a flat slope into a corner. */
const corner = (instance: number) => {
  const random = createRandom(instance, 0x636f72);
  const isHigh = [0, 1, 2].map(() => random.uniform() < 0.5);
  return (x: readonly number[]): number => {
    const [a, b, c] = x.map((u, i) => (isHigh[i] ? 1 - u : u)) as [number, number, number];
    return a + b * b + 0.3 * c + 0.5 * a * b;
  };
};

/** On these the strength of the belief was chosen. */
export const ends: readonly BenchProblem[] = [network, waves, weak, narrow(8, 4), saturating];
export const wide: readonly BenchProblem[] = [
  embedded("Hartmann 6", 100, 6, () => hartmann),
  embedded("Hartmann 6", 25, 6, () => hartmann),
  embedded("three slopes into a corner", 40, 3, corner),
];

const kernel: BenchProblem = {
  name: "the largest C, the smallest gamma, shrinking off; 4 mixed",
  space: {
    C: { type: "float", low: 0.01, high: 100, scale: "log" },
    gamma: { type: "float", low: 1e-4, high: 1, scale: "log" },
    epsilon: { type: "float", low: 0, high: 0.5 },
    degree: { type: "int", low: 1, high: 10 },
  },
  regret: (instance) => {
    const [epsilon, tilt] = place(instance, 2, 0.2, 0.8) as [number, number];
    return (params) => {
      const c = 1 - onLog(params, "C", 0.01, 100);
      const gamma = onLog(params, "gamma", 1e-4, 1);
      return (
        0.4 * c +
        0.3 * gamma ** 2 +
        (0.2 + tilt) * c * gamma +
        0.02 * (number(params, "degree") - 1) +
        (2 * number(params, "epsilon") - epsilon) ** 2
      );
    };
  },
};

/** A valley that runs along an edge of the cube into a corner. */
const edge: BenchProblem = {
  name: "a curved valley that ends in a corner, 5 floats",
  space: floats(5, 0, 1),
  regret: (instance) => {
    const flips = Array.from({ length: 5 }, () => 0).map(
      (_, i) => createRandom(instance, 0x666c6970, i).uniform() < 0.5,
    );
    return (params) => {
      const z = vector(params, 5).map((u, i) => (flips[i] ? 1 - u : u));
      return sum(z.slice(1).map((v, i) => 20 * (v - z[i]! ** 2) ** 2)) + sum(z.map((u) => 0.3 * u));
    };
  },
};

const cut: BenchProblem = {
  name: "Ackley's function cut off before its optimum, 5 floats",
  space: floats(5, -4, 16),
  regret: (instance) => {
    const centre = place(instance, 5, 2, 10);
    const beyond = [0, 1].map((i) => [-6, 18][(instance + i) % 2]!);
    const all = centre.map((c, i) => beyond[i] ?? c);
    const ackley = (x: readonly number[]) => {
      const z = x.map((u, i) => u - all[i]!);
      const root = Math.sqrt(sum(z.map((v) => v * v)) / 5);
      return 20 + Math.E - 20 * Math.exp(-0.1 * root) - Math.exp(sum(z.map((v) => Math.cos(v))) / 5);
    };
    // Where the least value lies among the points with the two numbers at their ends, to three digits of its own.
    const least = ackley(all.map((c) => Math.min(16, Math.max(-4, c))));
    return (params) => Math.max(0, ackley(vector(params, 5)) - least);
  },
};

const branin = (x: readonly number[]): number => {
  const [a, b] = [15 * x[0]! - 5, 15 * x[1]!];
  const bend = b - (5.1 * a * a) / (4 * Math.PI ** 2) + (5 * a) / Math.PI - 6;
  return bend * bend + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(a) + 10 - 0.397887;
};

const levy = (instance: number) => {
  const best = place(instance, 4, 0.2, 0.8);
  return (x: readonly number[]): number => {
    const w = x.map((u, i) => 1 + 5 * (u - best[i]!));
    const inner = w.slice(0, 3).map((v) => (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2));
    return (
      Math.sin(Math.PI * w[0]!) ** 2 +
      sum(inner) +
      (w[3]! - 1) ** 2 * (1 + Math.sin(2 * Math.PI * w[3]!) ** 2)
    );
  };
};

/** Problems of both kinds that no choice was made on. */
export const heldOutEnds: readonly BenchProblem[] = [kernel, edge, cut];
export const heldOutWide: readonly BenchProblem[] = [
  embedded("Branin", 60, 2, () => branin),
  embedded("Levy 4", 100, 4, levy),
];
