import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { adopt } from "../../../shared/space/adopt.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube, toCube } from "../../../shared/space/cube.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import { anySpaceDefinition } from "../../support/arbitraries.ts";

const plain = { rename: {}, assume: {} };

test("in its own space a configuration stays as it is, to the last digit", () => {
  fc.assert(
    fc.property(anySpaceDefinition(), fc.nat(), (definition, seed) => {
      const space = compileSpace(definition);
      const params = fromCube(space, sampleCube(space, createRandom(seed)));
      expect(adopt(space, params, plain)).toEqual({ params });
    }),
  );
});

test("in any other space it has only valid values, or a reason that names parameters of that space", () => {
  fc.assert(
    fc.property(anySpaceDefinition(), anySpaceDefinition(), fc.nat(), (one, other, seed) => {
      const [there, here] = [compileSpace(one), compileSpace(other)];
      const params = fromCube(there, sampleCube(there, createRandom(seed)));
      const adopted = adopt(here, params, plain);
      if ("fault" in adopted) {
        expect(adopted.parameters.length).toBeGreaterThan(0);
        for (const name of adopted.parameters) expect(params).toHaveProperty([name]);
        return;
      }
      // With its gaps filled it is a configuration of the other space. The way through the cube may change a last digit.
      const filled = fromCube(here, toCube(here, adopted.params));
      expect(Object.keys(filled)).toEqual(expect.arrayContaining(Object.keys(adopted.params)));
      validateConfiguration(here, { ...filled, ...adopted.params }, "");
    }),
  );
});

test("renamed parameters go before those that have the new name by chance, and these before assumed values", () => {
  const space = compileSpace({
    x: { type: "float", low: 0, high: 1 },
    y: { type: "float", low: 0, high: 1 },
    z: { type: "int", low: 1, high: 5 },
  });
  const adopted = adopt(space, { a: 0.25, x: 0.5, y: 0.75 }, { rename: { a: "x" }, assume: { z: 3, y: 0 } });
  expect(adopted).toEqual({ params: { x: 0.25, y: 0.75, z: 3 } });
});

test("scales, types and steps may differ: values count, and numbers go to the nearest step", () => {
  const space = compileSpace({
    lr: { type: "float", low: 1e-4, high: 1, scale: "log" },
    layers: { type: "int", low: 2, high: 10, step: 2 },
    batch: { type: "ordinal", choices: [16, 32, 64] },
  });
  expect(adopt(space, { lr: 0.01, layers: 4.9, batch: 32 }, plain)).toEqual({
    params: { lr: 0.01, layers: 4, batch: 32 },
  });
  expect(adopt(space, { lr: 1e-5, layers: 11, batch: 32 }, plain)).toEqual({
    fault: "out-of-range",
    parameters: ["lr", "layers"],
  });
  expect(adopt(space, { lr: 0.01, batch: 128 }, plain)).toEqual({
    fault: "other-choice",
    parameters: ["batch"],
  });
});
