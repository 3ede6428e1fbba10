import { type Algorithm, answer } from "../algorithm.ts";
import { initialDesign } from "../common/initial-design.ts";

const options = {};

/** A scrambled Sobol sequence: fills the space more evenly than random draws. Sources: see `numerics/sobol.ts`. */
export const sobol: Algorithm<typeof options> = {
  name: "sobol",
  revision: 1,
  options,
  ignoresResults: true,
  propose: (problem, history, count) =>
    answer(initialDesign(problem, history, count, { algorithm: "sobol", why: "space-filling sequence" })),
};
