import { createRandom } from "../../shared/numerics/random.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";

/**
 * Objectives for comparing optimisers, to be minimised. Each has instances with different locations of the optimum, so that
 * an algorithm cannot be tuned to one location. `regret` is 0 at the optimum (or at the best known value).
 */
export interface BenchProblem {
  readonly name: string;
  readonly space: SpaceDefinition;
  readonly regret: (instance: number) => (params: Params) => number;
}

/** A numeric parameter's value. */
export const number = (params: Params, name: string): number => Number(params[name]);

/** `d` floats x0, x1, ... in [low, high]. */
export const floats = (d: number, low: number, high: number): SpaceDefinition =>
  Object.fromEntries(Array.from({ length: d }, (_, i) => [`x${i}`, { type: "float", low, high }]));

/** x0, x1, ... of a configuration. */
export const vector = (params: Params, d: number): number[] =>
  Array.from({ length: d }, (_, i) => number(params, `x${i}`));

/** d numbers in [low, high]: the optimum of an instance. */
export const place = (instance: number, d: number, low: number, high: number): number[] => {
  const random = createRandom(instance, 0x70726f62);
  return Array.from({ length: d }, () => low + (high - low) * random.uniform());
};

export const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

const ellipsoid: BenchProblem = {
  name: "ellipsoid, 5 floats",
  space: floats(5, 0, 1),
  regret: (instance) => {
    const best = place(instance, 5, 0.1, 0.9);
    return (params) => sum(vector(params, 5).map((x, i) => 3 ** i * (x - best[i]!) ** 2));
  },
};

const ackley: BenchProblem = {
  name: "Ackley, 6 floats",
  space: floats(6, -15, 15),
  regret: (instance) => {
    const best = place(instance, 6, -10, 10);
    return (params) => {
      const z = vector(params, 6).map((x, i) => x - best[i]!);
      const root = Math.sqrt(sum(z.map((v) => v * v)) / 6);
      return (
        20 + Math.E - 20 * Math.exp(-0.2 * root) - Math.exp(sum(z.map((v) => Math.cos(2 * Math.PI * v))) / 6)
      );
    };
  },
};

const rosenbrock: BenchProblem = {
  name: "Rosenbrock, 4 floats",
  space: floats(4, -3, 3),
  regret: (instance) => {
    const best = place(instance, 4, -1.5, 1.5);
    return (params) => {
      const z = vector(params, 4).map((x, i) => x - best[i]! + 1);
      return sum(z.slice(1).map((v, i) => 100 * (v - z[i]! ** 2) ** 2 + (1 - z[i]!) ** 2));
    };
  },
};

const rastrigin: BenchProblem = {
  name: "Rastrigin, 3 floats",
  space: floats(3, -5, 5),
  regret: (instance) => {
    const best = place(instance, 3, -3.5, 3.5);
    return (params) =>
      sum(
        vector(params, 3).map((x, i) => {
          const z = x - best[i]!;
          return z * z - 10 * Math.cos(2 * Math.PI * z) + 10;
        }),
      );
  },
};

const branin: BenchProblem = {
  name: "Branin, 2 floats",
  space: { x0: { type: "float", low: -5, high: 10 }, x1: { type: "float", low: 0, high: 15 } },
  regret: () => (params) => {
    const [x = 0, y = 0] = vector(params, 2);
    const valley = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
    return valley ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10 - 0.397887357729739;
  },
};

const HARTMANN_A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const HARTMANN_P = [
  [1312, 1696, 5569, 124, 8283, 5886],
  [2329, 4135, 8307, 3736, 1004, 9991],
  [2348, 1451, 3522, 2883, 3047, 6650],
  [4047, 8828, 8732, 5743, 1091, 381],
];

const hartmann: BenchProblem = {
  name: "Hartmann, 6 floats",
  space: floats(6, 0, 1),
  regret: () => (params) => {
    const x = vector(params, 6);
    const terms = [1, 1.2, 3, 3.2].map((weight, i) => {
      const away = sum(x.map((v, j) => HARTMANN_A[i]![j]! * (v - 1e-4 * HARTMANN_P[i]![j]!) ** 2));
      return weight * Math.exp(-away);
    });
    return 3.322368011415515 - sum(terms);
  },
};

/** Ten parameters of all kinds, like those of a neural network; the momentum is active for only one optimiser. */
const network: BenchProblem = {
  name: "network, 10 mixed and conditional",
  space: {
    lr: { type: "float", low: 1e-6, high: 1, scale: "log" },
    decay: { type: "float", low: 1e-8, high: 1e-1, scale: "log" },
    dropout: { type: "float", low: 0, high: 0.8 },
    smoothing: { type: "float", low: 0, high: 0.5, step: 0.05 },
    layers: { type: "int", low: 1, high: 12 },
    units: { type: "int", low: 16, high: 2048, scale: "log" },
    batch: { type: "ordinal", choices: [16, 32, 64, 128, 256, 512] },
    activation: { type: "categorical", choices: ["relu", "gelu", "tanh", "elu"] },
    optimizer: { type: "categorical", choices: ["sgd", "adam", "lion"] },
    momentum: { type: "float", low: 0, high: 0.99, when: { optimizer: ["sgd"] } },
  },
  regret: (instance) => {
    const random = createRandom(instance, 0x6e6574);
    const at = () => 0.15 + 0.7 * random.uniform();
    const [lr, decay, dropout, smoothing, layers, units, momentum] = Array.from({ length: 7 }, at) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const batch = random.integer(6);
    const activation = random.integer(4);
    const optimizer = random.integer(3);
    return (params) => {
      const rate = (Math.log10(number(params, "lr")) + 6) / 6;
      const size = Math.log2(number(params, "batch")) - 4;
      const usesMomentum = params.optimizer === "sgd";
      const optimizerOff = (["sgd", "adam", "lion"].indexOf(String(params.optimizer)) - optimizer + 3) % 3;
      const activationOff =
        (["relu", "gelu", "tanh", "elu"].indexOf(String(params.activation)) - activation + 4) % 4;
      const numbers = [
        // The best learning rate depends on the batch size, as in real networks.
        8 * (rate - lr - 0.03 * (size - batch)) ** 2,
        1.5 * ((Math.log10(number(params, "decay")) + 8) / 7 - decay) ** 2,
        2 * (number(params, "dropout") / 0.8 - dropout) ** 2,
        0.5 * (number(params, "smoothing") / 0.5 - Math.round(smoothing * 10) / 10) ** 2,
        2 * ((number(params, "layers") - 1 - Math.round(layers * 11)) / 11) ** 2,
        1.5 * (Math.log2(number(params, "units") / 16) / 7 - units) ** 2,
        0.02 * Math.abs(size - batch),
        usesMomentum ? 2 * (number(params, "momentum") - momentum) ** 2 : 0,
      ];
      return sum(numbers) + [0, 0.1, 0.3][optimizerOff]! + [0, 0.05, 0.1, 0.2][activationOff]!;
    };
  },
};

/** A pipeline: the choice of a model, and the parameters of that model. */
const pipeline: BenchProblem = {
  name: "pipeline, nested conditions",
  space: {
    model: { type: "categorical", choices: ["svm", "forest", "linear"] },
    kernel: { type: "categorical", choices: ["rbf", "poly"], when: { model: ["svm"] } },
    C: { type: "float", low: 1e-3, high: 1e3, scale: "log", when: { model: ["svm"] } },
    gamma: { type: "float", low: 1e-5, high: 10, scale: "log", when: { kernel: ["rbf"] } },
    degree: { type: "int", low: 2, high: 6, when: { kernel: ["poly"] } },
    depth: { type: "int", low: 1, high: 30, when: { model: ["forest"] } },
    features: { type: "float", low: 0.05, high: 1, when: { model: ["forest"] } },
    penalty: { type: "float", low: 1e-6, high: 1e2, scale: "log", when: { model: ["linear"] } },
  },
  regret: (instance) => {
    const [C, gamma, depth, features, penalty] = place(instance, 5, 0.15, 0.85) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const random = createRandom(instance, 0x70697065);
    const models = ["svm", "forest", "linear"];
    const shift = random.integer(3);
    const kernelShift = random.integer(2);
    return (params) => {
      const rank = (models.indexOf(String(params.model)) + shift) % 3;
      const base = [0, 0.08, 0.15][rank]!;
      if (params.model === "linear") {
        return base + 0.8 * ((Math.log10(number(params, "penalty")) + 6) / 8 - penalty) ** 2;
      }
      if (params.model === "forest") {
        const deep = (number(params, "depth") - 1 - Math.round(depth * 29)) / 29;
        return base + deep ** 2 + ((number(params, "features") - 0.05) / 0.95 - features) ** 2;
      }
      const isBetter = (params.kernel === "rbf") === (kernelShift === 0);
      const cost = ((Math.log10(number(params, "C")) + 3) / 6 - C) ** 2;
      const inner =
        params.kernel === "rbf"
          ? 2 * ((Math.log10(number(params, "gamma")) + 5) / 6 - gamma) ** 2
          : ((number(params, "degree") - 3) / 4) ** 2;
      return base + (isBetter ? 0 : 0.05) + cost + inner;
    };
  },
};

/** Six categorical parameters with five choices each, with main effects and pairwise interactions. */
const categories: BenchProblem = {
  name: "categories, 6 of 5 choices",
  space: Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`c${i}`, { type: "categorical", choices: [0, 1, 2, 3, 4] }]),
  ),
  regret: (instance) => {
    const random = createRandom(instance, 0x636174);
    const own = Array.from({ length: 30 }, () => random.uniform());
    const pairs = Array.from({ length: 125 }, () => 0.5 * random.uniform());
    const value = (c: readonly number[]) =>
      sum(c.map((choice, i) => own[i * 5 + choice]!)) +
      sum(c.slice(1).map((choice, i) => pairs[i * 25 + c[i]! * 5 + choice]!));
    let least = Infinity;
    for (let code = 0; code < 5 ** 6; code++) {
      const c = Array.from({ length: 6 }, (_, i) => Math.floor(code / 5 ** i) % 5);
      least = Math.min(least, value(c));
    }
    return (params) => value(Array.from({ length: 6 }, (_, i) => number(params, `c${i}`))) - least;
  },
};

const whole: BenchProblem = {
  name: "whole numbers, 5 ints",
  space: Object.fromEntries(
    Array.from({ length: 5 }, (_, i) => [`x${i}`, { type: "int", low: 0, high: 10 * (i + 1) }]),
  ),
  regret: (instance) => {
    const best = place(instance, 5, 0.1, 0.9).map((v, i) => Math.round(v * 10 * (i + 1)));
    return (params) => sum(vector(params, 5).map((x, i) => ((x - best[i]!) / (10 * (i + 1))) ** 2));
  },
};

/** Twenty parameters of which four matter: "low intrinsic dimensionality". */
const sparse: BenchProblem = {
  name: "sparse, 4 of 20 floats matter",
  space: floats(20, 0, 1),
  regret: (instance) => {
    const best = place(instance, 4, 0.1, 0.9);
    return (params) => sum(best.map((b, i) => (i + 1) * (number(params, `x${5 * i}`) - b) ** 2));
  },
};

export const problems: readonly BenchProblem[] = [
  ellipsoid,
  ackley,
  rosenbrock,
  rastrigin,
  branin,
  hartmann,
  network,
  pipeline,
  categories,
  whole,
  sparse,
];
