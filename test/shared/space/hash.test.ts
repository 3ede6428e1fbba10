import fc from "fast-check";
import { expect, test } from "vitest";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube } from "../../../shared/space/cube.ts";
import { configurationKey } from "../../../shared/space/hash.ts";
import { anySpaceAndPoint } from "../../support/arbitraries.ts";

test("the key does not depend on the order of keys", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ space, point }) => {
      const params = fromCube(space, point);
      const reversed = Object.fromEntries(Object.entries(params).reverse());
      expect(configurationKey(space, reversed)).toBe(configurationKey(space, params));
    }),
  );
});

test("100,000 neighbouring configurations have 100,000 keys", () => {
  const space = compileSpace({
    a: { type: "int", low: 0, high: 999 },
    b: { type: "int", low: 0, high: 999 },
  });
  const keys = new Set<string>();
  for (let i = 0; i < 100_000; i++) {
    keys.add(configurationKey(space, { a: i % 1000, b: Math.floor(i / 1000) }));
  }
  expect(keys.size).toBe(100_000);
});

test("1, '1' and true are different choices, -0 and 0 the same number", () => {
  const space = compileSpace({
    c: { type: "categorical", choices: [1, "1", true, null, "true"] },
    x: { type: "float", low: -1, high: 1 },
  });
  const keys = [1, "1", true, null, "true"].map((c) => configurationKey(space, { c, x: 0 }));
  expect(new Set(keys).size).toBe(5);
  expect(configurationKey(space, { c: 1, x: -0 })).toBe(configurationKey(space, { c: 1, x: 0 }));
});

test("the key is pinned: stored keys stay good", () => {
  const space = compileSpace({
    lr: { type: "float", low: 0, high: 1 },
    opt: { type: "ordinal", choices: ["sgd", "adam"] },
  });
  expect(configurationKey(space, { lr: 0.1, opt: "adam" })).toMatchInlineSnapshot(
    `"a70712d841761a5d18fd34cb1615545f"`,
  );
});
