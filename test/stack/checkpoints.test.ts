import { expect, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { AskReply, CheckpointUrls } from "../../shared/schemas/trial.ts";
import { deployed } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** Checkpoints on the deployed stack: the bucket is the emulator's, with real signatures, and jobs are real processes. */

const { call, batchStudy, start, trial, running, finished, local } = deployed();

/** Trains in five steps and saves each. The first attempt goes no further than the third: there its machine is taken away. */
const TRAINING = `
import json, os, signal, sys, time
place = os.environ["HONE_CHECKPOINT_OUT"]
begin = 0
if "HONE_CHECKPOINT_IN" in os.environ:
    with open(os.path.join(os.environ["HONE_CHECKPOINT_IN"], "state.json")) as file:
        begin = json.load(file)["step"]
def save(step):
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "state.json"), "w") as file:
        json.dump({"step": step}, file)
def end(*_):
    save(4)
    print(json.dumps({"checkpoint": True}))
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
for step in range(begin + 1, 6):
    if step == 4 and os.environ["HONE_ATTEMPT"] == "1":
        time.sleep(300)
    save(step)
    print(json.dumps({"step": step, "loss": 1 / step, "runner": os.getppid(), "checkpoint": True}))
    time.sleep(0.5)
print(json.dumps({"loss": 0.1}))
`;

const SPACE = { x: { type: "float", low: -5, high: 5 } };

test("a client saves its state without any AWS credential, and its trial's next attempt continues from it", async () => {
  const created = await call<Study>("POST", "/studies", {
    name: "client-study",
    space: SPACE,
    objectives: [{ metric: "loss", direction: "minimize" }],
    budget: { trials: 1 },
    repeats: { attempts: 2 },
  });
  const path = `/studies/${created.body.study}`;
  const own = `${path}/trials/0`;
  await call("POST", `${path}/ask`, {});
  const { upload, download } = (await call<CheckpointUrls>("POST", `${own}/checkpoint`, { attempt: 1 })).body;
  expect(download).toBeNull();
  const early = await call("POST", `${own}/heartbeat`, { attempt: 1, checkpoint: upload.checkpoint });
  expect(early).toMatchObject({ status: 422, body: { pointer: "/checkpoint" } });
  expect((await fetch(upload.url, { method: upload.method, body: "weights" })).status).toBe(200);
  const { checkpoint } = upload;
  const failed = { reason: "out of memory" };
  const told = await call("POST", `${own}/tell`, { attempt: 1, failed, checkpoint });
  expect(told).toMatchObject({ status: 200, body: { state: "queued" } });
  const [again] = (await call<AskReply>("POST", `${path}/ask`, {})).body.trials;
  expect(again).toMatchObject({ number: 0, attempt: 2, checkpoint });
  const next = (await call<CheckpointUrls>("POST", `${own}/checkpoint`, { attempt: 2 })).body;
  const url = next.download?.url ?? "";
  expect(await (await fetch(url)).text()).toBe("weights");
  expect((await call("POST", `${own}/checkpoint`, { attempt: 1 })).status).toBe(409);
  await call("POST", `${own}/tell`, { attempt: 2, values: { loss: 1 } });
  expect((await fetch(url)).status).toBe(404);
});

/** Runs a study of one trial, and takes its first attempt's machine away once it waits. @returns the steps of each attempt. */
const interrupted = async (takeAway: (jobId: string, runner: number) => Promise<void> | void) => {
  const study = await batchStudy(TRAINING, { budget: { trials: 1, parallel: 1 } });
  await start(study);
  const jobId = await running(study, 0);
  const first = await until(
    () => trial(study, 0),
    ({ checkpoint, reports }) => checkpoint !== null && reports.length === 3,
    60,
  );
  await takeAway(jobId, Number(first.reports[0]?.values.runner));
  expect((await finished(study)).trials).toMatchObject({ completed: 1, failed: 0 });
  const detail = await trial(study, 0);
  expect(detail).toMatchObject({ attempt: 2, attempts: [{ attempt: 1, end: "interrupted" }] });
  return detail.reports.map(({ attempt, step }) => `${attempt}: ${step}`);
};

test("a job that is killed mid-run is resumed from its last committed checkpoint by the next attempt", async () => {
  const steps = await interrupted((jobId) => local("interrupt", { jobId }));
  expect(steps.slice(0, 3)).toEqual(["1: 1", "1: 2", "1: 3"]);
  // The commit follows the report: with the third step's under way, the second step's is the last.
  expect(["2: 3,2: 4,2: 5", "2: 4,2: 5"]).toContain(steps.slice(3).join());
});

test("what a job saves when its machine gives notice is what the next attempt continues from", async () => {
  const steps = await interrupted((_, runner) => void process.kill(runner, "SIGTERM"));
  expect(steps).toEqual(["1: 1", "1: 2", "1: 3", "2: 5"]);
});
