import type { Algorithm } from "../../shared/optimizer/algorithm.ts";
import { type AlgorithmName, algorithms } from "../../shared/optimizer/registry.ts";

/** Algorithms of which each proposal is a new configuration; one that races proposes runs, and has tests of its own. */
export const searchingNames = (Object.keys(algorithms) as AlgorithmName[]).filter(
  (name) => !(algorithms[name] as Algorithm).races,
);

/** Those of them whose trials stand alone; one whose trials go on from one another has tests of its own, too. */
export const independentNames = searchingNames.filter((name) => !(algorithms[name] as Algorithm).continues);
