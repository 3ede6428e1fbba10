import { createRandom } from "../../shared/numerics/random.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import { type BenchProblem, floats, number, place, sum, vector } from "./problems.ts";

/** Problems that were not used to choose TPE's constants. */

const levy: BenchProblem = {
  name: "Levy, 5 floats",
  space: floats(5, -10, 10),
  regret: (instance) => {
    const best = place(instance, 5, -5, 5);
    return (params) => {
      const w = vector(params, 5).map((x, i) => 1 + (x - best[i]!) / 4);
      const inner = w.slice(0, 4).map((v) => (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2));
      const last = (w[4]! - 1) ** 2 * (1 + Math.sin(2 * Math.PI * w[4]!) ** 2);
      return Math.sin(Math.PI * w[0]!) ** 2 + sum(inner) + last;
    };
  },
};

const styblinskiTang: BenchProblem = {
  name: "Styblinski-Tang, 4 floats",
  space: floats(4, -5, 5),
  regret: () => (params) =>
    sum(vector(params, 4).map((x) => (x ** 4 - 16 * x * x + 5 * x) / 2 + 39.16616570377142)),
};

const zakharov: BenchProblem = {
  name: "Zakharov, 3 floats",
  space: floats(3, -5, 10),
  regret: (instance) => {
    const best = place(instance, 3, -3, 7);
    return (params) => {
      const z = vector(params, 3).map((x, i) => x - best[i]!);
      const slope = sum(z.map((v, i) => 0.5 * (i + 1) * v));
      return sum(z.map((v) => v * v)) + slope ** 2 + slope ** 4;
    };
  },
};

const camel: BenchProblem = {
  name: "six-hump camel, 2 floats",
  space: floats(2, -3, 3),
  regret: () => (params) => {
    const [x = 0, y = 0] = vector(params, 2);
    return (4 - 2.1 * x * x + x ** 4 / 3) * x * x + x * y + (4 * y * y - 4) * y * y + 1.031628453489877;
  },
};

const griewank: BenchProblem = {
  name: "Griewank, 6 floats",
  space: floats(6, -50, 50),
  regret: (instance) => {
    const best = place(instance, 6, -30, 30);
    return (params) => {
      const z = vector(params, 6).map((x, i) => x - best[i]!);
      const waves = z.reduce((product, v, i) => product * Math.cos(v / Math.sqrt(i + 1)), 1);
      return 1 + sum(z.map((v) => v * v)) / 400 - waves;
    };
  },
};

const michalewicz: BenchProblem = {
  name: "Michalewicz, 5 floats",
  space: floats(5, 0, Math.PI),
  regret: () => (params) => {
    const valleys = vector(params, 5).map(
      (x, i) => Math.sin(x) * Math.sin(((i + 1) * x * x) / Math.PI) ** 20,
    );
    return 4.687658179 - sum(valleys);
  },
};

const steps: BenchProblem = {
  name: "plateaus, 4 floats",
  space: floats(4, 0, 1),
  regret: (instance) => {
    const best = place(instance, 4, 0.1, 0.9);
    return (params) => Math.floor(10 * sum(vector(params, 4).map((x, i) => Math.abs(x - best[i]!)))) / 10;
  },
};

const boosting: BenchProblem = {
  name: "boosting, 8 mixed and conditional",
  space: {
    booster: { type: "categorical", choices: ["tree", "dart", "linear"] },
    eta: { type: "float", low: 1e-3, high: 1, scale: "log" },
    lambda: { type: "float", low: 1e-8, high: 100, scale: "log" },
    depth: { type: "int", low: 1, high: 15, when: { booster: ["tree", "dart"] } },
    subsample: { type: "float", low: 0.1, high: 1, when: { booster: ["tree", "dart"] } },
    dropped: { type: "float", low: 0, high: 0.9, when: { booster: ["dart"] } },
    grow: { type: "categorical", choices: ["loss", "depth"], when: { booster: ["tree", "dart"] } },
    order: { type: "categorical", choices: ["a", "b", "c", "d"], when: { booster: ["linear"] } },
  },
  regret: (instance) => {
    const [eta, lambda, depth, subsample, dropped] = place(instance, 5, 0.15, 0.85) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const random = createRandom(instance, 5);
    const shift = random.integer(3);
    const grow = ["loss", "depth"][random.integer(2)];
    return (params) => {
      const rank = (["tree", "dart", "linear"].indexOf(String(params.booster)) + shift) % 3;
      const shared =
        [0, 0.05, 0.2][rank]! +
        2 * ((Math.log10(number(params, "eta")) + 3) / 3 - eta) ** 2 +
        0.4 * ((Math.log10(number(params, "lambda")) + 8) / 10 - lambda) ** 2;
      if (params.booster === "linear") return shared + 0.05 * "abcd".indexOf(String(params.order));
      const tree =
        1.2 * ((number(params, "depth") - 1 - Math.round(depth * 14)) / 14) ** 2 +
        0.7 * (number(params, "subsample") - subsample) ** 2 +
        (params.grow === grow ? 0 : 0.06);
      const dart = params.booster === "dart" ? 0.5 * (number(params, "dropped") - dropped * 0.9) ** 2 : 0;
      return shared + tree + dart;
    };
  },
};

const ordinals: BenchProblem = {
  name: "ordinals, 6 of 8 to 13 choices",
  space: Object.fromEntries(
    Array.from({ length: 6 }, (_, i): [string, SpaceDefinition[string]] => [
      `x${i}`,
      { type: "ordinal", choices: Array.from({ length: 8 + i }, (_, k) => k) },
    ]),
  ),
  regret: (instance) => {
    const best = place(instance, 6, 0.1, 0.9).map((v, i) => Math.round(v * (7 + i)));
    return (params) => {
      const away = vector(params, 6).map((x, i) => Math.abs(x - best[i]!));
      return sum(away.map((v, i) => (v / (7 + i)) * (1 + (i % 3)))) + 0.005 * away[0]! * away[1]!;
    };
  },
};

const logInts: BenchProblem = {
  name: "ints on log scales, 5 mixed",
  space: {
    a: { type: "int", low: 1, high: 4096, scale: "log" },
    b: { type: "int", low: 1, high: 64, scale: "log" },
    c: { type: "int", low: 1, high: 8 },
    d: { type: "float", low: 0, high: 1, step: 0.05 },
    e: { type: "float", low: 1e-6, high: 1, scale: "log" },
  },
  regret: (instance) => {
    const [a, b, c, d, e] = place(instance, 5, 0.1, 0.9) as [number, number, number, number, number];
    return (params) => {
      const offA = Math.log(number(params, "a") / Math.round(4096 ** a)) / Math.log(4096);
      const offB = Math.log(number(params, "b") / Math.round(64 ** b)) / Math.log(64);
      const offC = (number(params, "c") - 1 - Math.round(c * 7)) / 7;
      const offD = number(params, "d") - Math.round(d * 20) / 20;
      const offE = (Math.log10(number(params, "e")) + 6) / 6 - e;
      return 3 * offA ** 2 + offB ** 2 + offC ** 2 + 2 * offD ** 2 + 4 * offE ** 2 + 0.5 * offA * offE;
    };
  },
};

const rotated: BenchProblem = {
  name: "rotated ellipsoid, 8 floats",
  space: floats(8, -5, 5),
  regret: (instance) => {
    const random = createRandom(instance, 77);
    const matrix = Array.from({ length: 8 }, () =>
      Array.from({ length: 8 }, () => random.normal() / Math.sqrt(8)),
    );
    const best = place(instance, 8, -3, 3);
    return (params) => {
      const z = vector(params, 8).map((x, i) => x - best[i]!);
      return sum(matrix.map((row, i) => (1 + i) * sum(row.map((entry, j) => entry * z[j]!)) ** 2));
    };
  },
};

export const heldOut: readonly BenchProblem[] = [
  levy,
  styblinskiTang,
  zakharov,
  camel,
  griewank,
  michalewicz,
  steps,
  boosting,
  ordinals,
  logInts,
  rotated,
];
