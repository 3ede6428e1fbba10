import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../local/process.ts";
import type { LineageReply } from "../../shared/schemas/trial.ts";
import { deployed } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** Population-based training of a real model in Step Functions, one of whose jobs loses its machine in the middle of a segment. */

const { call, batchStudy, start, trial, trialsOf, running, finished, local } = deployed();

/** A linear classifier of handwritten digits, up to an epoch. */
const MODEL = `
import json, os, pickle, sys, time
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
images, labels = load_digits(return_X_y=True)
images = images / 16
def train(model, rate):
    model.set_params(eta0=rate)
    model.partial_fit(images[:900], labels[:900], classes=range(10))
    return model.score(images[900:], labels[900:])
new = lambda: SGDClassifier(learning_rate="constant", eta0=1, random_state=0)
`;

/** A segment. The first attempt of the sixth saves its third epoch, and goes no further: there its machine is taken away. */
const SEGMENT = `${MODEL}
rate = json.loads(os.environ["HONE_PARAMS"])["rate"]
model, epoch = new(), 0
if "HONE_CHECKPOINT_IN" in os.environ:
    with open(os.environ["HONE_CHECKPOINT_IN"], "rb") as file:
        model, epoch = pickle.load(file)
while epoch < int(os.environ["HONE_RESOURCE"]):
    accuracy = train(model, rate)
    epoch += 1
    with open(os.environ["HONE_CHECKPOINT_OUT"], "wb") as file:
        pickle.dump((model, epoch), file)
    print(json.dumps({"step": epoch, "accuracy": accuracy, "checkpoint": True}))
    if epoch == 3 and os.environ["HONE_TRIAL"] == "5" and os.environ["HONE_ATTEMPT"] == "1":
        open(sys.argv[1], "w").write("here")
        time.sleep(300)
`;

/** A schedule, as one run without Hone. */
const REPLAY = `${MODEL}
model = new()
for rate in json.loads(sys.argv[1]):
    accuracy = train(model, rate)
print(accuracy)
`;

const POPULATION = 4;
const LENGTH = 2;
const GENERATIONS = 3;

test("a population loses a machine, no epoch and no generation, and its best schedule can be replayed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "hone-population-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const marker = join(folder, "waits");
  const study = await batchStudy(
    SEGMENT,
    {
      name: "population",
      space: { rate: { type: "float", low: 1e-4, high: 1, scale: "log" } },
      objectives: [{ metric: "accuracy", direction: "maximize" }],
      algorithm: { name: "pbt", population: POPULATION, seed: 2 },
      scheduler: {
        name: "segments",
        type: "synchronous",
        resource: { name: "epoch", min: LENGTH, max: LENGTH * GENERATIONS },
      },
      budget: { trials: POPULATION * GENERATIONS, parallel: 2 },
    },
    [marker],
  );
  await start(study);
  await until(
    () => readFile(marker, "utf8").catch(() => ""),
    (text) => text === "here",
    180,
  );
  const jobId = await running(study, 5);
  await until(
    () => trial(study, 5),
    ({ checkpoint }) => checkpoint?.startsWith("hone:1-") ?? false,
    30,
  );
  await local("interrupt", { jobId });
  const done = await finished(study, 240);
  expect(done.trials).toMatchObject({ completed: POPULATION * GENERATIONS, failed: 0 });

  const lost = await trial(study, 5);
  expect(lost.attempts).toMatchObject([{ attempt: 1, end: "interrupted" }]);
  expect(lost.reports.map(({ attempt, step }) => [attempt, step])).toEqual([
    [1, 3],
    [2, 4],
  ]);
  for (const { number, parent } of await trialsOf(study)) {
    const generation = Math.floor(number / POPULATION);
    if (generation === 0) expect(parent).toBeNull();
    else expect(Math.floor((parent ?? 0) / POPULATION)).toBe(generation - 1);
  }

  const lineage = (await call<LineageReply>("GET", `/studies/${study}/lineage`)).body;
  const rates = lineage.trials.flatMap(({ params, from, to }) =>
    Array.from({ length: Number(to) - Number(from) }, () => params.rate),
  );
  expect(rates).toHaveLength(LENGTH * lineage.trials.length);
  const { stdout } = await promisify(execFile)(join(root, ".venv/bin/python"), [
    "-c",
    REPLAY,
    JSON.stringify(rates),
  ]);
  expect(done.best[0]?.values.accuracy).toBe(Number(stdout));
});
