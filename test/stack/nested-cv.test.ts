import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../local/process.ts";
import type { Study } from "../../shared/schemas/study.ts";
import { deployed } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** Nested cross-validation of a real model: Hone runs it in Step Functions and loses a machine, and client processes run it again. */

const { stack, call, batchStudy, start, read, trial, trialsOf, running, finished, local } = deployed();
const python = join(root, ".venv/bin/python");

/** What a trial is worth: an SVM trained and scored on the samples of its split. */
const SCORE = `
import os, sys, time
sys.path.insert(0, ${JSON.stringify(join(root, "clients/python/src"))})
import hone
from sklearn.datasets import load_digits
from sklearn.svm import SVC
X, y = load_digits(return_X_y=True)
X, y = X[:360], y[:360]
def score(trial):
    train, test = trial.indices()
    return SVC(**trial.params).fit(X[train], y[train]).score(X[test], y[test])
`;

/** As a job. The first trial of the second outer fold waits for its machine to be taken away. */
const JOB = `${SCORE}
trial = hone.trial()
if trial.number == 1 and trial.attempt == 1:
    open(sys.argv[1], "w").write("here")
    time.sleep(300)
trial.tell(accuracy=score(trial))
`;

const CLIENT = `${SCORE}
for trial in hone.load_study(sys.argv[1]).trials():
    trial.tell(accuracy=score(trial))
`;

const FOLDS = 2;
/** Two configurations on two inner folds. */
const TRIALS = 4;
const body = {
  name: "nested-svm",
  space: {
    C: { type: "float", low: 0.1, high: 1000, scale: "log" },
    gamma: { type: "float", low: 1e-5, high: 0.1, scale: "log" },
  },
  objectives: [{ metric: "accuracy", direction: "maximize" }],
  algorithm: { name: "random", seed: 4 },
  budget: { trials: TRIALS, parallel: 2 },
  evaluation: {
    type: "nested-cv",
    samples: 360,
    seed: 2,
    outer: { folds: FOLDS, kind: "plain" },
    inner: { folds: 2 },
  },
};

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "hone-nested-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
};

/** Two processes ask for the trials of a study until it is over. */
const runByClients = async (study: string): Promise<void> => {
  const env = { HONE_API: stack.api, HONE_TEAM: stack.team, HONE_TOKEN: stack.token };
  const workers = [0, 1].map(() => {
    const child = spawn(python, ["-c", CLIENT, study], { env, stdio: "inherit" });
    onTestFinished(() => void child.kill("SIGKILL"));
    return once(child, "exit");
  });
  for (const [code] of await Promise.all(workers)) expect(code).toBe(0);
};

test("a machine that is lost changes nothing: jobs of Hone's and processes of a client's come to the same folds", async () => {
  const marker = join(await newFolder(), "waits");
  const study = await batchStudy(JOB, body, [marker]);
  await start(study);
  await until(
    () => readFile(marker, "utf8").catch(() => ""),
    (text) => text === "here",
    120,
  );
  await local("interrupt", { jobId: await running(study, 1) });
  const byHone = await finished(study, 240);
  expect((await trial(study, 1)).attempts).toMatchObject([{ attempt: 1, end: "interrupted" }]);
  expect(byHone.trials).toMatchObject({ completed: FOLDS * (TRIALS + 1), failed: 0 });
  expect(byHone.nested).toMatchObject({ scored: FOLDS });
  expect(byHone.nested?.mean).toBeGreaterThan(0.8);

  const created = await call<Study>("POST", "/studies", body);
  expect(created.status).toBe(201);
  await runByClients(created.body.study);
  const byClients = await read(created.body.study);
  expect(byClients.state).toBe("finished");
  expect(byClients.nested).toEqual(byHone.nested);
});

/** A job of a search in rounds: the loss falls with the steps, and with x. */
const ROUNDS = `
import json, os
x, end = json.loads(os.environ["HONE_PARAMS"])["x"], int(os.environ["HONE_RESOURCE"])
print(json.dumps({"step": end, "loss": x * x / end}))
`;

test("searches in rounds have machines of their own, and refits run as far as the longest trial", async () => {
  const study = await batchStudy(ROUNDS, {
    name: "nested-rounds",
    budget: { trials: 3, parallel: 3 },
    scheduler: { name: "sha", resource: { name: "epoch", min: 1, max: 3 }, eta: 3 },
    evaluation: {
      ...body.evaluation,
      outer: { folds: 2, kind: "plain" },
      inner: { folds: 2, together: true },
    },
  });
  await start(study);
  const { nested, trials } = await finished(study, 180);
  expect(trials).toMatchObject({ completed: 2 * (1 + 1), pruned: 2 * 2, failed: 0 });
  const shown = await trialsOf(study);
  for (const { winner, refit, innerScore, outerScore } of nested?.folds ?? []) {
    const [won, again] = [winner, refit].map((number) => shown.find((one) => one.number === number));
    expect(won?.resource).toBe(3);
    expect(again?.params).toEqual(won?.params);
    expect(outerScore).toBe(innerScore);
  }
});
