import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { root } from "../../local/process.ts";
import type { TrialDetail } from "../../shared/schemas/trial.ts";
import { deployed } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** Hyperband of a real model in Step Functions, one of whose jobs loses its machine in the middle of a rung. */

const { batchStudy, start, trial, trialsOf, running, finished, local } = deployed();

/**
 * Trains a linear classifier of handwritten digits and saves it after every second epoch. The first job to come to epoch 6 says
 * so in a file, and goes no further: there its machine is taken away.
 */
const TRAINING = `
import json, os, pickle, sys, time
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
images, labels = load_digits(return_X_y=True)
images = images / 16
params = json.loads(os.environ["HONE_PARAMS"])
model = SGDClassifier(alpha=params["alpha"], eta0=params["eta0"], learning_rate="constant", random_state=0)
epoch = 0
if "HONE_CHECKPOINT_IN" in os.environ:
    with open(os.environ["HONE_CHECKPOINT_IN"], "rb") as file:
        model, epoch = pickle.load(file)
while epoch < int(os.environ["HONE_RESOURCE"]):
    model.partial_fit(images[:900], labels[:900], classes=range(10))
    epoch += 1
    saves = epoch % 2 == 0
    if saves:
        with open(os.environ["HONE_CHECKPOINT_OUT"], "wb") as file:
            pickle.dump((model, epoch), file)
    print(json.dumps({"step": epoch, "accuracy": model.score(images[900:], labels[900:]), "checkpoint": saves}))
    if epoch == 6 and len(sys.argv) > 1:
        try:
            with open(sys.argv[1], "x") as file:
                file.write(os.environ["HONE_TRIAL"])
            time.sleep(300)
        except FileExistsError:
            pass
`;

/** Trials of each bracket, of which half go on: rungs of 4, 2 and 1, of 3 and 1, and of 3. */
const BRACKETS = [
  [0, 1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
] as const;
const RESOURCE = { name: "epoch", min: 2, max: 8 };

const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "hone-hyperband-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
};

/** The accuracy of a configuration that is trained to the end at one go, without Hone. */
const trainedAlone = async (params: unknown): Promise<number> => {
  const folder = await newFolder();
  const { stdout } = await promisify(execFile)(join(root, ".venv/bin/python"), ["-c", TRAINING], {
    env: {
      HONE_PARAMS: JSON.stringify(params),
      HONE_RESOURCE: String(RESOURCE.max),
      HONE_CHECKPOINT_OUT: join(folder, "model"),
    },
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "").accuracy;
};

const stepsOf = ({ reports }: TrialDetail) => reports.map(({ step }) => step);
const accuracyAt = ({ reports }: TrialDetail, epoch: number) =>
  Number(reports.find(({ step }) => step === epoch)?.values.accuracy);

test("Hyperband keeps the plan's rungs and finds the best though a job loses its machine, and none trains an epoch twice", async () => {
  const marker = join(await newFolder(), "waits");
  const study = await batchStudy(
    TRAINING,
    {
      name: "hyperband-study",
      space: {
        alpha: { type: "float", low: 1e-6, high: 1, scale: "log" },
        eta0: { type: "float", low: 1e-5, high: 1, scale: "log" },
      },
      objectives: [{ metric: "accuracy", direction: "maximize" }],
      budget: { trials: 10, parallel: 4 },
      scheduler: { name: "hyperband", type: "synchronous", resource: RESOURCE, eta: 2 },
    },
    [marker],
  );
  await start(study);

  const waiting = Number(
    await until(
      () => readFile(marker, "utf8").catch(() => ""),
      (text) => text !== "",
      240,
    ),
  );
  const jobId = await running(study, waiting);
  const killed = await until(
    () => trial(study, waiting),
    // The attempt has committed a checkpoint of its own.
    ({ attempt, checkpoint }) => checkpoint?.startsWith(`hone:${attempt}-`) ?? false,
    30,
  );
  await local("interrupt", { jobId });

  const done = await finished(study, 240);
  expect(done.trials).toMatchObject({ completed: 5, pruned: 5, failed: 0 });
  const trials = await Promise.all((await trialsOf(study)).map(({ number }) => trial(study, number)));
  expect(trials).toHaveLength(10);

  // Only the attempt that was lost ended early, and the next one went on where it was.
  const again = trials[waiting];
  expect(again?.attempts).toMatchObject([{ attempt: killed.attempt, end: "interrupted" }]);
  const stepsOfAttempt = (n: number) =>
    again?.reports.filter(({ attempt }) => attempt === n).map(({ step }) => step);
  expect(stepsOfAttempt(killed.attempt)).toEqual([5, 6]);
  expect(stepsOfAttempt(killed.attempt + 1)).toEqual([7, 8]);
  for (const detail of trials)
    expect(stepsOf(detail)).toEqual(Array.from({ length: detail.resource ?? 0 }, (_, i) => i + 1));

  const resources = BRACKETS.map((numbers) =>
    numbers.map((number) => trials[number]?.resource).sort((a, b) => Number(b) - Number(a)),
  );
  expect(resources).toEqual([
    [8, 4, 2, 2],
    [8, 4, 4],
    [8, 8, 8],
  ]);
  for (const numbers of BRACKETS) {
    const own = trials.filter(({ number }) => numbers.some((other) => other === number));
    for (const level of [2, 4]) {
      const left = own.filter(({ resource }) => resource === level);
      const wentOn = own.filter(({ resource }) => Number(resource) > level);
      const worst = Math.min(...wentOn.map((detail) => accuracyAt(detail, level)));
      for (const detail of left) expect(accuracyAt(detail, level)).toBeLessThanOrEqual(worst);
    }
  }

  const [best] = done.best;
  const completed = trials.filter(({ state }) => state === "completed");
  expect(best?.values.accuracy).toBe(Math.max(...completed.map(({ values }) => Number(values?.accuracy))));
  expect(best?.values.accuracy).toBeGreaterThan(0.85);
  expect(best?.values.accuracy).toBe(await trainedAlone(best?.params));
  // Also what was trained in pieces, on several machines.
  expect(again?.values?.accuracy).toBe(await trainedAlone(again?.params));
});
