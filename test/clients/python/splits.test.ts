import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { digestOf, indicesOf } from "../../../clients/typescript/splits.ts";
import { anySplit } from "../../support/splits.ts";
import { python, ROOT } from "./driver.ts";

test("Python rebuilds the folds of the shared vectors", async () => {
  const script = `
import json
from hone.splits import indices
for vector in json.load(open("${ROOT}/test/fixtures/splits/vectors.fixture.json")):
    assert indices(vector["split"], **vector["data"])._asdict() == vector["expected"], vector["split"]
`;
  await python(script, {});
});

test("Python and TypeScript agree on folds and digests", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hone-splits-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const cases = fc.sample(anySplit(), 200).map(({ split, data }) => ({
    split,
    data,
    expected: indicesOf(split, data),
    digest: digestOf(data.labels ?? data.groups ?? []),
  }));
  await writeFile(join(folder, "cases.json"), JSON.stringify(cases));
  const script = `
import json
from hone.splits import digest, indices
for case in json.load(open("${folder}/cases.json")):
    split, data = case["split"], case["data"]
    assert indices(split, **data)._asdict() == case["expected"], split
    assert digest(data.get("labels") or data.get("groups") or []) == case["digest"], split
`;
  await python(script, {});
});

test("arrays of NumPy are labels too, and what is wrong with labels is said", async () => {
  const split = { phase: "refit", repeat: 0, outer: 1, inner: null, kind: "stratified", samples: 6, seed: 1 };
  const script = `
import json, numpy
from hone.splits import digest, indices
split = {**json.loads('${JSON.stringify(split)}'), "inner": None, "folds": {"outer": 2, "inner": 2}}
labels = numpy.array(["a", "b", "a", "b", "a", "b"])
split["labels"] = digest(labels)
train, test = indices(split, labels=labels)
assert sorted(labels[train]) != list(labels) and sorted(train + test) == list(range(6))
assert indices(split, labels=[0, 1] * 3) == (train, test)
for wrong in (None, labels[:4], sorted(labels)):
    try: indices(split, labels=wrong)
    except ValueError as error: print(error)
`;
  expect((await python(script, {})).trim().split("\n")).toEqual([
    "Folds of the kind stratified need `labels`.",
    "There are 4 labels, and the study has 6 samples. Give the labels of all samples, in the same order.",
    expect.stringMatching(/^These are not the labels of the study: .* Give the same samples in the same/),
  ]);
});
