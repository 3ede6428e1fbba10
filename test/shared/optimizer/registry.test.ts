import { expect, test } from "vitest";
import { algorithms } from "../../../shared/optimizer/registry.ts";
import { algorithmContract } from "../../support/contracts/algorithm.ts";

for (const algorithm of Object.values(algorithms)) algorithmContract(algorithm);

test("every algorithm of the registry has its own name and a revision", () => {
  for (const [name, algorithm] of Object.entries(algorithms)) {
    expect(algorithm.name).toBe(name);
    expect(algorithm.revision).toBeGreaterThanOrEqual(1);
  }
});
