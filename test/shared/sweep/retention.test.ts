import { expect, test } from "vitest";
import { startsFrom, tooOld } from "../../../shared/sweep/retention.ts";

const study = (name: string, isFinished = true, completed = 1) => ({ study: name, isFinished, completed });

test("finished studies beyond those that are kept are too old", () => {
  const studies = [study("e"), study("d"), study("c"), study("b"), study("a")];
  expect(tooOld(studies, 3)).toEqual(["b", "a"]);
  expect(tooOld(studies, 5)).toEqual([]);
  expect(tooOld(studies, 1000)).toEqual([]);
});

test("a study that is not finished counts among the kept and is never too old", () => {
  expect(tooOld([study("c", false), study("b"), study("a")], 1)).toEqual(["b", "a"]);
  expect(tooOld([study("c"), study("b", false), study("a")], 1)).toEqual(["a"]);
});

test("a study begins with the last ones that finished with a result", () => {
  const studies = [study("e", false), study("d"), study("c", true, 0), study("b"), study("a")];
  expect(startsFrom(studies, 2)).toEqual(["d", "b"]);
  expect(startsFrom(studies, 9)).toEqual(["d", "b", "a"]);
  expect(startsFrom([], 3)).toEqual([]);
});
