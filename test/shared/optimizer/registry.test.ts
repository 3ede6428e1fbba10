import { expect, test } from "vitest";
import { type AlgorithmName, algorithms } from "../../../shared/optimizer/registry.ts";
import { algorithmContract } from "../../support/contracts/algorithm.ts";

for (const name of Object.keys(algorithms) as AlgorithmName[]) algorithmContract(name);

test("every algorithm of the registry has its own name and a revision", () => {
  for (const [name, algorithm] of Object.entries(algorithms)) {
    expect(algorithm.name).toBe(name);
    expect(algorithm.revision).toBeGreaterThanOrEqual(1);
  }
});
