import { existsSync, readFileSync } from "node:fs";
import { createRandom } from "../../shared/numerics/random.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { ChoiceParameter } from "../../shared/space/space.ts";
import type { Params } from "../../shared/values.ts";
import { floats, sum, vector } from "../tpe/problems.ts";

/** Families of tasks for warm start: what earlier studies measured, and the task that is searched now. */

/** One task of a family, to be minimised. */
export interface Task {
  readonly space: SpaceDefinition;
  readonly value: (params: Params) => number;
  /** The least value there is. */
  readonly least: number;
}

export interface Family {
  readonly name: string;
  /** Whether the earlier studies say something about the task. */
  readonly isRelated: boolean;
  /** The tasks of the earlier studies. */
  readonly earlier: readonly Task[];
  /** The task of a seed. */
  readonly task: (seed: number) => Task;
}

/** How a member of an analytic family differs from the others. */
interface Variation {
  /** Of the optimum's place, per coordinate. */
  readonly shift: readonly number[];
  /** Factors of the coordinates. */
  readonly stretch: readonly number[];
  /** Of the values. */
  readonly scale: number;
  readonly offset: number;
  /** Radians by which neighbouring coordinates are turned. */
  readonly turn: number;
}

const variationOf = (member: number, d: number, far: number): Variation => {
  const random = createRandom(member, 0x7472616e);
  const uniform = (low: number, high: number) => low + (high - low) * random.uniform();
  return {
    shift: Array.from({ length: d }, () => uniform(-far, far)),
    stretch: Array.from({ length: d }, () => uniform(0.8, 1.25)),
    scale: 10 ** uniform(-2, 2),
    offset: uniform(-10, 10),
    turn: uniform(-0.2, 0.2),
  };
};

interface Analytic {
  readonly d: number;
  /** Of z around 0, where it is 0, in about [-1, 1]^d. */
  readonly f: (z: readonly number[]) => number;
  /** Where the family's optimum lies on average. */
  readonly centre: readonly number[];
  /** How far members differ. */
  readonly far: number;
}

/** A member: the function shifted, stretched, turned and rescaled, on [0, 1]^d. */
const member = ({ d, f, centre, far }: Analytic, index: number): Task => {
  const { shift, stretch, scale, offset, turn } = variationOf(index, d, far);
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  return {
    space: floats(d, 0, 1),
    least: offset,
    value: (params) => {
      const z = vector(params, d).map((x, i) => 2 * stretch[i]! * (x - centre[i]! - shift[i]!));
      for (let i = 0; i + 1 < d; i += 2) {
        const [a, b] = [z[i]!, z[i + 1]!];
        z[i] = cosine * a - sine * b;
        z[i + 1] = sine * a + cosine * b;
      }
      return offset + scale * f(z);
    },
  };
};

const placed = (seed: number, d: number): number[] => {
  const random = createRandom(seed, 0x63656e74);
  return Array.from({ length: d }, () => 0.2 + 0.6 * random.uniform());
};

const ellipsoid: Analytic = {
  d: 5,
  f: (z) => sum(z.map((v, i) => 3 ** i * v * v)),
  centre: placed(1, 5),
  far: 0.08,
};
const ackley: Analytic = {
  d: 4,
  f: (z) => {
    const w = z.map((v) => 8 * v);
    const root = Math.sqrt(sum(w.map((v) => v * v)) / w.length);
    const waves = sum(w.map((v) => Math.cos(2 * Math.PI * v))) / w.length;
    return 20 + Math.E - 20 * Math.exp(-0.2 * root) - Math.exp(waves);
  },
  centre: placed(2, 4),
  far: 0.05,
};
const rosenbrock: Analytic = {
  d: 4,
  f: (z) => {
    const w = z.map((v) => 2 * v + 1);
    return sum(w.slice(1).map((v, i) => 100 * (v - w[i]! ** 2) ** 2 + (1 - w[i]!) ** 2));
  },
  centre: placed(3, 4),
  far: 0.04,
};
const levy: Analytic = {
  d: 3,
  f: (z) => {
    const w = z.map((v) => 1 + (8 * v) / 4);
    const last = w.at(-1)!;
    return (
      Math.sin(Math.PI * w[0]!) ** 2 +
      sum(w.slice(0, -1).map((v) => (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2))) +
      (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
    );
  },
  centre: placed(4, 3),
  far: 0.06,
};
const wells: Analytic = {
  d: 6,
  // A deep well and a shallow one at the other side.
  f: (z) => {
    const near = sum(z.map((v) => v * v));
    const other = sum(z.map((v) => (v - 0.7) ** 2));
    return 1 - Math.exp(-1.5 * near) - 0.6 * Math.exp(-3 * other) + 0.6 * Math.exp(-3 * 6 * 0.49);
  },
  centre: placed(5, 6),
  far: 0.06,
};

const EARLIER = [101, 102, 103];

const related = (name: string, analytic: Analytic): Family => ({
  name,
  isRelated: true,
  earlier: EARLIER.map((index) => member(analytic, index)),
  task: (seed) => member(analytic, 1000 + seed),
});

/** Earlier studies of something else: the optimum is elsewhere, in each of them. */
const elsewhere = (name: string, analytic: Analytic): Family => ({
  name,
  isRelated: false,
  earlier: EARLIER.map((index) => member({ ...analytic, centre: placed(index, analytic.d), far: 0 }, index)),
  task: (seed) => member({ ...analytic, centre: placed(5000 + seed, analytic.d), far: 0 }, 1000 + seed),
});

/** Earlier studies that say the contrary. */
const negated = (name: string, analytic: Analytic): Family => ({
  ...related(name, analytic),
  isRelated: false,
  earlier: EARLIER.map((index) => {
    const task = member(analytic, index);
    return { ...task, value: (params) => -task.value(params) };
  }),
});

/** Earlier studies whose values are noise. */
const shuffled = (name: string, analytic: Analytic): Family => ({
  ...related(name, analytic),
  isRelated: false,
  earlier: EARLIER.map((index) => {
    const task = member(analytic, index);
    return {
      ...task,
      value: (params) => {
        const seed = sum(Object.values(params).map((v, i) => Math.floor(Number(v) * 1e6) * (i + 7)));
        return createRandom(index, seed % 2 ** 31).normal();
      },
    };
  }),
});

interface Table {
  readonly space: SpaceDefinition;
  readonly loss: readonly number[];
}

const folder = new URL("../../.bench/transfer/", import.meta.url);
const fileOf = (name: string) => new URL(`${name}.json`, folder);

const tabulated = (name: string): Task => {
  const { space, loss } = JSON.parse(readFileSync(fileOf(name), "utf8")) as Table;
  const parameters = Object.entries(space) as [string, Pick<ChoiceParameter, "choices">][];
  return {
    space,
    least: Math.min(...loss),
    value: (params) =>
      loss[
        parameters.reduce(
          (place, [key, { choices }]) => place * choices.length + choices.indexOf(params[key]!),
          0,
        )
      ]!,
  };
};

/** Tables of one model on several data sets: earlier studies of some, the task is another one. */
const tables = (name: string, target: string, earlier: readonly string[], isRelated = true): Family[] =>
  [target, ...earlier].every((one) => existsSync(fileOf(one)))
    ? [{ name, isRelated, earlier: earlier.map(tabulated), task: () => tabulated(target) }]
    : [];

/** The families that the constants were chosen on. */
export const tuned = (): Family[] => [
  related("ellipsoid, shifted", ellipsoid),
  related("Ackley, shifted", ackley),
  elsewhere("ellipsoid, another optimum", ellipsoid),
  shuffled("Ackley, noise", ackley),
];

/** Those that they were not chosen on. */
export const heldOut = (): Family[] => [
  related("Rosenbrock, shifted", rosenbrock),
  related("Levy, shifted", levy),
  related("two wells, shifted", wells),
  ...tables("SVM, 400 digits from 200", "svm-digits-400", ["svm-digits-200"]),
  ...tables("SVM, cancer from others", "svm-cancer", ["svm-wine", "svm-iris", "svm-digits-400"]),
  ...tables("forest, cancer from others", "forest-cancer", ["forest-wine", "forest-iris"]),
  ...tables("MLP, cancer from others", "mlp-cancer", ["mlp-wine", "mlp-iris"]),
  elsewhere("Levy, another optimum", levy),
  elsewhere("two wells, another optimum", wells),
  negated("Rosenbrock, negated", rosenbrock),
  shuffled("two wells, noise", wells),
  ...tables("SVM, diabetes from classes", "svm-diabetes", ["svm-wine", "svm-digits-400"], false),
];
