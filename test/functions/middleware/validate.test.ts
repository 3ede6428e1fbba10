import { expect, test } from "vitest";
import type { z } from "zod";
import { validate } from "../../../functions/middleware/validate.ts";
import { faultsInWords, InvalidInput } from "../../../shared/errors.ts";
import { CreateStudyBody, PageQuery, PatchStudyBody } from "../../../shared/schemas/study.ts";
import { AddTrialsBody, AskBody, TellBody } from "../../../shared/schemas/trial.ts";

const studyBody = () => ({
  name: "svm-digits",
  space: { C: { type: "float", low: 0.01, high: 1000 } },
  objectives: [{ metric: "accuracy", direction: "maximize" }],
  budget: { trials: 40 },
});

const faults = (schema: z.ZodType, value: unknown) => {
  try {
    validate(schema, value);
  } catch (error) {
    if (error instanceof InvalidInput) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(value)}`);
};

test.each([
  [0, "at least 1"],
  [-1, "at least 1"],
  [1.5, "a whole number"],
  [1e9, "at most 100"],
  ["", "a number, not a string"],
  ["3", "a number, not a string"],
  [null, "a number, not null"],
  [true, "a number, not true"],
])("an ask for %j trials is refused and not coerced", (count, expected) => {
  const error = faults(AskBody, { count });
  expect(error).toMatchObject({ type: "invalid-input", pointer: "/count" });
  expect(error.message).toContain(expected);
});

test.each([
  ["asha", "/scheduler", "Expected an object."],
  [{ name: "shaa" }, "/scheduler/name", 'Expected one of "auto", "none"'],
  [{ resource: { name: "epoch", min: 1 } }, "/scheduler/resource/max", "This field is missing"],
  [{ resource: { name: "epoch", min: 1, max: 9 }, type: "stopping" }, "/scheduler/type", "no field"],
])("a scheduler %j is refused by what is wrong with it", (scheduler, pointer, expected) => {
  const error = faults(CreateStudyBody, { ...studyBody(), scheduler });
  expect(error.pointer).toBe(pointer);
  expect(error.message).toContain(expected);
});

test("an unknown field is named, with the field that was probably meant", () => {
  const error = faults(AskBody, { wroker: "w1", cuont: 2, zzz: 1 });
  expect(faultsInWords(error.errors)).toEqual([
    { pointer: "/wroker", detail: 'There is no field "wroker" here. Did you mean "worker"?' },
    { pointer: "/cuont", detail: 'There is no field "cuont" here. Did you mean "count"?' },
    { pointer: "/zzz", detail: 'There is no field "zzz" here. The fields are count, worker.' },
  ]);
});

test("an error inside a parameter names the field, not the union of parameter types", () => {
  const space = {
    C: { type: "float", low: "0", high: 1 },
    "a.b": { type: "int", low: 0, high: 2.5, stpe: 1 },
  };
  const error = faults(CreateStudyBody, { ...studyBody(), space });
  expect(faultsInWords(error.errors)).toEqual([
    { pointer: "/space/C/low", detail: "Expected a number, not a string." },
    { pointer: "/space/a.b/high", detail: "Expected a whole number, not 2.5." },
    { pointer: "/space/a.b/stpe", detail: 'There is no field "stpe" here. Did you mean "step"?' },
  ]);
});

test("for an unknown or missing type of a parameter the known types are listed", () => {
  const types = 'Expected one of "float", "int", "categorical", "ordinal".';
  const of = (parameter: object) =>
    faultsInWords(faults(CreateStudyBody, { ...studyBody(), space: { x: parameter } }).errors);
  expect(of({ type: "flaot", low: 0, high: 1 })).toEqual([{ pointer: "/space/x/type", detail: types }]);
  expect(of({ low: 0, high: 1 })).toEqual([{ pointer: "/space/x/type", detail: types }]);
});

test("for a value that may have several types all of them are listed", () => {
  const error = faults(TellBody, { attempt: 1, values: { loss: "NaN" } });
  expect(faultsInWords(error.errors)).toEqual([
    { pointer: "/values/loss", detail: 'Expected a number or one of "nan", "inf", "-inf".' },
  ]);
  expect(faultsInWords(faults(AddTrialsBody, { trials: [{ params: { x: [1] } }] }).errors)).toEqual([
    { pointer: "/trials/0/params/x", detail: "Expected a number or a string or true or false or null." },
  ]);
});

test("an error in a child's condition points into the branch that was meant", () => {
  const when = { optimizer: { low: "1" } };
  const space = { x: { type: "float", low: 0, high: 1, when } };
  expect(faultsInWords(faults(CreateStudyBody, { ...studyBody(), space }).errors)).toEqual([
    { pointer: "/space/x/when/optimizer/low", detail: "Expected a number, not a string." },
  ]);
});

test("the error of an invalid name points at the name", () => {
  const space = { "learning rate": { type: "float", low: 0, high: 1 } };
  const error = faults(CreateStudyBody, { ...studyBody(), space });
  expect(error.pointer).toBe("/space/learning rate");
  expect(error.message).toContain("letters, digits, underscores");
  const nul = { "a\u0000": { type: "float", low: 0, high: 1 } };
  expect(faults(CreateStudyBody, { ...studyBody(), space: nul }).pointer).toBe("/space/a\u0000");
});

test("an integer beyond 2^53 has the error type unsafe-integer", () => {
  const space = { n: { type: "int", low: 0, high: 2 ** 60 } };
  expect(faults(CreateStudyBody, { ...studyBody(), space })).toMatchObject({
    type: "unsafe-integer",
    pointer: "/space/n/high",
  });
});

test("the error of a missing field says that it is missing", () => {
  const { budget, ...rest } = studyBody();
  expect(budget).toBeDefined();
  expect(faultsInWords(faults(CreateStudyBody, rest).errors)).toEqual([
    { pointer: "/budget", detail: "This field is missing; an object is expected." },
  ]);
});

test("a body that is not an object is refused as a whole", () => {
  for (const value of [null, [], "x", 1]) expect(faults(AskBody, value).pointer).toBe("");
});

test("rules that concern several fields keep their own messages", () => {
  expect(faults(PatchStudyBody, {})).toMatchObject({
    pointer: "",
    message: "Give `state`, `budget` or both.",
  });
  expect(faults(TellBody, { attempt: 1 }).pointer).toBe("/values");
});

test("numbers in a query are parsed from strings, and an empty string is not a number", () => {
  expect(validate(PageQuery, { limit: "20" })).toEqual({ limit: 20 });
  expect(faults(PageQuery, { limit: "" }).pointer).toBe("/limit");
  expect(faults(PageQuery, { limit: "ten" }).pointer).toBe("/limit");
});

test("at most 20 errors are listed", () => {
  const space = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, { type: "float" }]));
  expect(faults(CreateStudyBody, { ...studyBody(), space }).errors).toHaveLength(20);
});
