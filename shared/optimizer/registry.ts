import type { Algorithm, AlgorithmName } from "./algorithm.ts";
import { auto } from "./auto.ts";
import { gp } from "./gp/index.ts";
import { grid } from "./grid.ts";
import { random } from "./random.ts";
import { sobol } from "./sobol.ts";
import { tpe } from "./tpe/index.ts";

/** Every algorithm by its name. The contract tests walk this table. */
export const algorithms: Readonly<Record<AlgorithmName, Algorithm>> = { auto, random, sobol, grid, tpe, gp };
