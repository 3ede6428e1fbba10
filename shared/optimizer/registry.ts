import { auto } from "./auto/index.ts";
import { cmaEs } from "./cma-es/index.ts";
import { evolution } from "./evolution/index.ts";
import { gp } from "./gp/index.ts";
import { gradient } from "./gradient/index.ts";
import { grid } from "./grid/index.ts";
import { harmonica } from "./harmonica/index.ts";
import { irace } from "./irace/index.ts";
import { nsga2 } from "./nsga2/index.ts";
import { pbt } from "./pbt/index.ts";
import { priorband } from "./priorband/index.ts";
import { random } from "./random/index.ts";
import { rbf } from "./rbf/index.ts";
import { smac } from "./smac/index.ts";
import { sobol } from "./sobol/index.ts";
import { tpe } from "./tpe/index.ts";

/**
 * Every algorithm by its name. What a study may ask for (`choice.ts`), the API's documentation and the contract tests
 * follow from this table, in its order.
 */
export const algorithms = {
  auto,
  random,
  sobol,
  grid,
  tpe,
  gp,
  smac,
  rbf,
  harmonica,
  "cma-es": cmaEs,
  evolution,
  nsga2,
  gradient,
  priorband,
  irace,
  pbt,
};

export type AlgorithmName = keyof typeof algorithms;
