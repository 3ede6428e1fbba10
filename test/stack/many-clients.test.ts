import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import { deployed } from "../support/deployed.ts";
import type { Answered, Leased, Line } from "../support/trial-worker.ts";

/** A study whose trials sixteen processes run, two of which are killed in the middle of theirs. */

const { stack, call, trial, trialsOf, finished } = deployed();

const WORKERS = 16;
const KILLED = 2;
const TRIALS = 40;
const ETA = 3;
const RESOURCE = { name: "epoch", min: 2, max: 18 };

interface Worker {
  readonly process: ChildProcess;
  readonly lines: Line[];
  readonly stderr: string[];
  /** The trial of a worker that holds. */
  readonly holds: Promise<number>;
}

const startWorker = (study: string, name: string, ...mode: string[]): Worker => {
  const script = join(import.meta.dirname, "../support/trial-worker.ts");
  const child = spawn(process.execPath, [script, study, name, ...mode], {
    env: { HONE_API: stack.api, HONE_TEAM: stack.team, HONE_TOKEN: stack.token },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const stderr: string[] = [];
  const holds = new Promise<number>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (text) => {
      const line: Line = JSON.parse(text);
      lines.push(line);
      if (line.kind === "holding") resolve(line.number);
    });
  });
  child.stderr.on("data", (text) => stderr.push(String(text)));
  return { process: child, lines, stderr, holds };
};

/** What the words of an answer say of the trial's place at the rung. */
const placeIn = (reason: string) => {
  const few = /^rung (\d+) \(epoch \d+\): (\d+)\w\w to come, nobody is compared before 3 have$/.exec(reason);
  if (few !== null) return { rung: Number(few[1]), of: Number(few[2]), rank: null, goOn: null };
  const ranked = /^rung (\d+) \(epoch \d+\): (\d+)\w\w of (\d+), the first (\d+) go on/.exec(reason);
  expect(ranked, reason).not.toBeNull();
  const [, rung = 0, rank = 0, of = 0, goOn = 0] = (ranked ?? []).map(Number);
  return { rung, of, rank, goOn };
};

/** The place that a rung's values give: each compared with those that came before it. */
const placesOf = (losses: readonly number[]) =>
  losses.map((loss, i) => {
    const of = i + 1;
    if (of < ETA) return { of, rank: null, goOn: null, decision: "continue" };
    const rank = losses.slice(0, of).filter((other) => other < loss).length + 1;
    const goOn = Math.floor(of / ETA);
    return { of, rank, goOn, decision: rank <= goOn ? "continue" : "stop" };
  });

test("sixteen processes run an ASHA study, two of them are killed, and nothing is lost, done twice or misjudged", async () => {
  const created = await call<Study>("POST", "/studies", {
    name: "many-clients",
    space: { x: { type: "float", low: -5, high: 5 } },
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: "random", seed: 5 },
    scheduler: { name: "asha", resource: RESOURCE, eta: ETA },
    budget: { trials: TRIALS, parallel: WORKERS },
    lease: { seconds: 10, maxAttempts: 3 },
  });
  expect(created.status).toBe(201);
  const { study } = created.body;
  const workers = Array.from({ length: WORKERS }, (_, i) =>
    startWorker(study, `worker-${i}`, ...(i < KILLED ? ["hold"] : [])),
  );
  const victims = workers.slice(0, KILLED);
  const held = await Promise.all(victims.map(({ holds }) => holds));
  for (const victim of victims) victim.process.kill("SIGKILL");
  const survivors = workers.slice(KILLED);
  const exits = survivors.map((worker) => once(worker.process, "close"));
  const done = await finished(study, 240);
  for (const [i, exit] of exits.entries()) expect((await exit)[0], survivors[i]?.stderr.join("")).toBe(0);

  // The budget is exact, and each configuration is one trial's, however often it was handed out.
  const trials = await trialsOf(study);
  expect(trials.map(({ number }) => number)).toEqual(Array.from({ length: TRIALS }, (_, i) => i));
  expect(done.trials).toMatchObject({ failed: 0, running: 0, queued: 0, paused: 0 });
  expect(done.trials.completed + done.trials.pruned).toBe(TRIALS);
  expect(new Set(trials.map(({ params }) => params.x)).size).toBe(TRIALS);
  const lines = workers.flatMap((worker) => worker.lines);
  const leases = lines.filter((line): line is Leased => line.kind === "leased");
  for (const { number, params } of leases) expect(params).toEqual(trials[number]?.params);
  expect(new Set(leases.map(({ number }) => number)).size).toBe(TRIALS);
  const attempts = leases.map(({ number, attempt }) => `${number}/${attempt}`);
  expect(new Set(attempts).size).toBe(attempts.length);

  // What was killed was handed out again when its lease was over, with its checkpoint.
  for (const number of held) {
    const detail = await trial(study, number);
    expect(detail.attempts[0]).toMatchObject({ attempt: 1, end: "expired" });
    const again = leases.find((lease) => lease.number === number && lease.attempt === 2);
    expect(again?.checkpoint).toBe("1");
  }

  // Every answer is what the values of its rung give, in the order in which they came, each trial once.
  const answers = lines.filter((line): line is Answered => line.kind === "answered");
  const judged = answers.map((answer) => ({ ...answer, ...placeIn(answer.reason) }));
  for (const [rung, step] of [2, 6].entries()) {
    const came = judged.filter((answer) => answer.step === step).sort((a, b) => a.of - b.of);
    expect(came.every((answer) => answer.rung === rung)).toBe(true);
    expect(came.map(({ of, rank, goOn, decision }) => ({ of, rank, goOn, decision }))).toEqual(
      placesOf(came.map(({ loss }) => loss)),
    );
    expect(new Set(came.map(({ number }) => number)).size).toBe(came.length);
    const cameHere =
      rung === 0 ? TRIALS : judged.filter((a) => a.step === 2 && a.decision === "continue").length;
    expect(came).toHaveLength(cameHere);
  }
  const stopped = judged.filter(({ decision }) => decision === "stop").map(({ number }) => number);
  const pruned = trials.filter(({ state }) => state === "pruned").map(({ number }) => number);
  expect(pruned).toEqual(stopped.sort((a, b) => a - b));
  const losses = trials.flatMap(({ state, values }) => (state === "completed" ? [Number(values?.loss)] : []));
  expect(done.best[0]?.values.loss).toBe(Math.min(...losses));
});
