import { expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { faultsInWords } from "../../../shared/errors.ts";
import { AlgorithmChoice, checkChoice } from "../../../shared/optimizer/choice.ts";
import { algorithms } from "../../../shared/optimizer/registry.ts";
import { compileSpace } from "../../../shared/space/compile.ts";

type Named<Name> = Extract<AlgorithmChoice, { name: Name }>;

test("every algorithm of the registry can be asked for, with a seed and its own options, and nothing else", () => {
  expect(AlgorithmChoice.options.map((option) => option.shape.name.value)).toEqual(Object.keys(algorithms));
  for (const [name, { options }] of Object.entries(algorithms)) {
    expect(AlgorithmChoice.parse({ name })).toEqual({ name });
    expect(AlgorithmChoice.parse({ name, seed: 7 })).toEqual({ name, seed: 7 });
    expect(AlgorithmChoice.safeParse({ name, unknown: 1 }).success).toBe(false);
    for (const [option, schema] of Object.entries(options)) {
      expect(z.safeParse(schema, undefined).success, `${name}'s ${option} is optional`).toBe(true);
      const { error } = AlgorithmChoice.safeParse({ name, [option]: {} });
      expect(error?.issues.map(({ path }) => path)).toEqual([[option]]);
    }
  }
  expect(AlgorithmChoice.parse({ name: "grid", points: 4 })).toEqual({ name: "grid", points: 4 });
  expect(AlgorithmChoice.safeParse({ name: "grid", startup: 4 }).success).toBe(false);
  expect(AlgorithmChoice.safeParse({ name: "constructor" }).success).toBe(false);
});

test("the type of a choice says the same as its schema", () => {
  expectTypeOf<AlgorithmChoice["name"]>().toEqualTypeOf<keyof typeof algorithms>();
  expectTypeOf<Named<"auto">>().toEqualTypeOf<{ name: "auto"; seed?: number | undefined }>();
  expectTypeOf<Named<"tpe">>().toEqualTypeOf<{
    name: "tpe";
    seed?: number | undefined;
    startup?: number | undefined;
    candidates?: number | undefined;
  }>();
});

const bits = (count: number) =>
  compileSpace(
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`b${i}`, { type: "categorical", choices: [0, 1] } as const]),
    ),
  );
const problemOf = (count: number) => ({
  space: bits(count),
  objectives: 1,
  budget: { trials: 1000, parallel: 4 },
});

test("harmonica refuses a polynomial that an ask could not fit in time, with facts", () => {
  const choice = { name: "harmonica" } as const;
  expect(checkChoice(choice, problemOf(200))).toEqual([]);
  const [fault, ...others] = checkChoice(choice, problemOf(300));
  expect(others).toEqual([]);
  expect(fault).toEqual({
    pointer: "/degree",
    fault: { kind: "harmonica-too-slow", bits: 300, degree: 3, samples: 300 },
  });
  expect(faultsInWords([fault!])[0]?.detail).toContain("300 bits");
  expect(checkChoice({ ...choice, degree: 2 }, problemOf(300))).toEqual([]);
  expect(checkChoice({ ...choice, samples: 100 }, problemOf(300))).toEqual([]);
});

test("an algorithm without a check refuses nothing", () => {
  expect(checkChoice({ name: "gp", startup: 1000 }, problemOf(5))).toEqual([]);
});
