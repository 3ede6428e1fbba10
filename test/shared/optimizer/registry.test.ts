import { expect, test } from "vitest";
import { algorithms } from "../../../shared/optimizer/registry.ts";
import { AlgorithmChoice } from "../../../shared/schemas/study.ts";
import { algorithmContract } from "../../support/contracts/algorithm.ts";

for (const algorithm of Object.values(algorithms)) algorithmContract(algorithm);

test("every name of the registry is one that a study may ask for, and the other way round", () => {
  const names = AlgorithmChoice.options.map((option) => option.shape.name.value);
  expect(Object.keys(algorithms).sort()).toEqual(names.sort());
  for (const [name, algorithm] of Object.entries(algorithms)) {
    expect(algorithm.name).toBe(name);
    expect(algorithm.revision).toBeGreaterThanOrEqual(1);
  }
});
