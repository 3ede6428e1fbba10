import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Study, StudyPage } from "../../../shared/schemas/study.ts";
import { hone } from "../../support/cli.ts";
import { python, ROOT, serveHandler, startPython } from "./driver.ts";

/** Nested cross-validation as a user writes it: the real client and scikit-learn against the real handler. */

const ONE_THREAD = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };

test("inner and outer scores are those that scikit-learn computes of the same folds, and the CLI shows them", async () => {
  const { env } = await serveHandler();
  const script = `
import hone, numpy
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from hone.splits import indices

X, y = load_iris(return_X_y=True)
evaluation = hone.nested_cv(labels=y, outer=3, inner=2, seed=1)
space = {"C": hone.float(0.01, 100, scale="log"), "gamma": hone.float(1e-4, 10, scale="log")}
study = hone.create_study("iris", space, maximize="accuracy", trials=12, algorithm="random", evaluation=evaluation)
for trial in study.trials():
    train, test = trial.indices(labels=y)
    trial.tell(accuracy=SVC(**trial.params).fit(X[train], y[train]).score(X[test], y[test]))

trials = {trial["number"]: trial for trial in study.results()}
for fold in study.nested["folds"]:
    split = trials[fold["refit"]]["split"]
    params = trials[fold["winner"]]["params"]
    train, test = indices(split, labels=y)
    position = {sample: at for at, sample in enumerate(train)}
    inner = [indices({**split, "inner": k}, labels=y) for k in range(2)]
    cv = [tuple([position[sample] for sample in part] for part in pair) for pair in inner]
    model = SVC(**params)
    assert abs(cross_val_score(model, X[train], y[train], cv=cv).mean() - fold["innerScore"]) < 1e-12
    assert model.fit(X[train], y[train]).score(X[test], y[test]) == fold["outerScore"]
scores = [fold["outerScore"] for fold in study.nested["folds"]]
assert abs(study.nested["mean"] - numpy.mean(scores)) < 1e-12
assert abs(study.nested["sd"] - numpy.std(scores, ddof=1)) < 1e-12
print(study.id)
`;
  const id = (await python(script, { ...env, ...ONE_THREAD })).trim();
  const { stdout } = await hone(["study", "show", id], env);
  const [first, done, header, ...rows] = stdout.trimEnd().split("\n");
  expect(first).toBe(`${id}  finished`);
  expect(done).toMatch(/^39 of 39 trials done/);
  expect(header?.split(/ {2,}/)).toEqual(["fold", "state", "trials", "winner", "inner", "refit", "outer"]);
  expect(rows.slice(0, 3)).toEqual(
    [0, 1, 2].map((n) => expect.stringMatching(`^${n} +completed +12 +trial `)),
  );
  expect(rows[3]).toMatch(
    /^outer score 0\.\d+, standard deviation [\d.]+, standard error [\d.]+ \(3 folds\)$/,
  );
  expect(rows[4]).toMatch(/^inner score [\d.]+, optimism gap -?0\.\d{4}$/);
});

test("on labels of pure noise the inner score is optimistic, and the outer one is about chance", async () => {
  const { env, get } = await serveHandler();
  const script = `
import hone, numpy
from sklearn.neighbors import KNeighborsClassifier

random = numpy.random.default_rng(1)
X, y = random.normal(size=(100, 50)), random.permutation(100) % 2
space = {"neighbors": hone.int(1, 15), "first": hone.int(0, 45), "width": hone.int(1, 5)}
evaluation = hone.nested_cv(labels=y, outer=5, inner=3, together=True, seed=1)
study = hone.create_study("noise", space, maximize="accuracy", trials=12, algorithm={"name": "random", "seed": 1}, evaluation=evaluation)
for trial in study.trials():
    of = slice(trial.params["first"], trial.params["first"] + trial.params["width"])
    model = KNeighborsClassifier(trial.params["neighbors"])
    folds = trial.folds(labels=y)
    trial.tell(accuracy=numpy.mean([model.fit(X[train, of], y[train]).score(X[test, of], y[test]) for train, test in folds]))
print(study.id)
`;
  const { nested } = await get<Study>(`/studies/${(await python(script, { ...env, ...ONE_THREAD })).trim()}`);
  expect(nested?.scored).toBe(5);
  const { mean, standardError, gap, innerMean } = nested ?? {};
  expect(innerMean).toBeGreaterThan(0.55);
  expect(gap).toBeGreaterThan(0.05);
  // Two-sided 95% of Student's distribution with four degrees of freedom.
  expect(Math.abs((mean ?? 0) - 0.5)).toBeLessThan(2.776 * (standardError ?? 0));
});

test("a trial that is scored on several folds has no single indices, and other studies have none at all", async () => {
  const { env } = await serveHandler();
  const script = `
import hone
space = {"x": hone.float(0, 1)}
together = hone.nested_cv(20, outer=2, inner=3, together=True)
assert together["outer"]["kind"] == "plain" and "labels" not in together
trial = hone.create_study("together", space, minimize="y", trials=1, evaluation=together).ask()
assert len(trial.folds()) == 3
plain = hone.create_study("plain", space, minimize="y", trials=1)
for wrong in (trial.indices, plain.ask().folds, lambda: plain.nested, lambda: hone.nested_cv(3, labels=[1, 2])):
    try: wrong()
    except (ValueError, hone.Error) as error: print(error)
`;
  expect((await python(script, env)).trim().split("\n")).toEqual([
    expect.stringMatching(/^trial [01] is scored on 3 inner folds: use folds, not indices$/),
    "trial 0 has no split: its study is no nested cross-validation",
    "The study is no nested cross-validation: create it with evaluation=hone.nested_cv(...).",
    "Give samples, labels or groups, of one length.",
  ]);
});

test("the example prints what its study shows, and its outer score is that of a tuned SVM", async () => {
  const { env, get } = await serveHandler();
  const { code, stdout, stderr } = await startPython([join(ROOT, "examples/nested_cv.py")], {
    ...env,
    ...ONE_THREAD,
  }).ended;
  expect(code, stderr).toBe(0);
  const [listed] = (await get<StudyPage>("/studies")).studies;
  const { state, nested } = await get<Study>(`/studies/${listed?.study}`);
  expect(state).toBe("finished");
  const { mean, sd, gap } = nested ?? {};
  expect(stdout).toBe(
    `accuracy ${mean?.toFixed(4)}, standard deviation ${sd?.toFixed(4)}, optimism gap ${gap?.toFixed(4)}\n`,
  );
  expect(mean).toBeGreaterThan(0.97);
}, 120_000);

test("the example takes no more lines than scikit-learn does for the same figures", async () => {
  const linesOf = async (path: string) => {
    const text = (await readFile(join(ROOT, path), "utf8")).replaceAll(/"""[\s\S]*?"""/g, "");
    return text.split("\n").filter((line) => !/^\s*(#|$)/.test(line)).length;
  };
  expect(await linesOf("examples/nested_cv.py")).toBeLessThanOrEqual(
    await linesOf("bench/nested-cv/scikit_learn.py"),
  );
});
