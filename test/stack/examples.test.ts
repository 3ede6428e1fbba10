import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, onTestFinished, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { Trial, TrialPage } from "../../shared/schemas/trial.ts";
import { client } from "../support/http.ts";

/** The examples that README shows, run unchanged against the deployed stack. */

const { api, team, token, runner } = inject("stack");
const examples = join(import.meta.dirname, "../../examples");
const variables = { HONE_API: api, HONE_TEAM: team, HONE_TOKEN: token };

const run = async (command: readonly string[], env: Record<string, string>, cwd?: string) => {
  const [program = "", ...args] = command;
  const { stdout } = await promisify(execFile)(program, args, {
    env: { PATH: process.env.PATH, PYTHONPATH: join(examples, "../clients/python/src"), ...env },
    cwd,
  });
  return stdout;
};

/** The best trial, which an example prints last, as JSON or as Python; its loss must match its `x` to this many digits. */
const expectBest = (stdout: string, digits: number) => {
  const shown = /["']x["']: ?([-\d.e]+)\}.*["']loss["']: ?([-\d.e]+)\}/.exec(
    stdout.trim().split("\n").at(-1) ?? "",
  );
  const [x, loss] = (shown ?? []).slice(1).map(Number);
  expect(loss).toBeCloseTo((Number(x) - 3) ** 2, digits);
};

const commands: [name: string, command: string[], digits: number][] = [
  ["ask_tell.py", ["python3", join(examples, "ask_tell.py")], 12],
  ["ask-tell.sh", [join(examples, "ask-tell.sh")], 2],
];

// README's test runs ask_tell.py like this.
test("ask-tell.sh tunes with the settings of the environment", async () => {
  expectBest(await run([join(examples, "ask-tell.sh")], variables), 2);
});

test.each(commands)("%s uses the local stack of its folder", async (_, command, digits) => {
  const folder = await mkdtemp(join(tmpdir(), "hone-examples-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, ".hone"));
  await writeFile(join(folder, ".hone/local.json"), JSON.stringify({ api, team, token, pid: process.pid }));
  expectBest(await run(command, {}, folder), digits);
});

test("two_objectives.py prints the forests of its Pareto set, all of them within the limit", async () => {
  const python = join(examples, "../.venv/bin/python");
  const stdout = await run([python, join(examples, "two_objectives.py")], variables);
  const [first = "", count = "", ...lines] = stdout.trimEnd().split("\n");
  const study = first.replace("Study ", "");
  const call = client({ api, team, token });
  const { body } = await call<Study>("GET", `/studies/${study}`);
  expect(body).toMatchObject({ state: "finished", trials: { completed: 40 }, message: null });
  const exported = await call<TrialPage>("GET", `/studies/${study}/export?format=json`);
  const feasible = exported.body.trials.filter((trial) => Number(trial.values?.nodes) <= 5000);
  expect(feasible.length).toBeLessThan(40);
  expect(exported.body.trials.filter((trial) => trial.feasible)).toEqual(feasible);
  const dominates = (a: Trial, b: Trial) => {
    const accuracy = Number(a.values?.accuracy) - Number(b.values?.accuracy);
    const comparisons = Number(b.values?.comparisons) - Number(a.values?.comparisons);
    return accuracy >= 0 && comparisons >= 0 && accuracy + comparisons > 0;
  };
  const front = feasible.filter((trial) => !feasible.some((other) => dominates(other, trial)));
  expect(body.best.map(({ number }) => number)).toEqual(front.map(({ number }) => number));
  expect(count).toContain(`${front.length} forests`);
  expect(lines).toHaveLength(front.length);
  // From a quick, inaccurate forest to an accurate one.
  expect(Math.max(...front.map((trial) => Number(trial.values?.accuracy)))).toBeGreaterThan(0.8);
  expect(front.length).toBeGreaterThan(4);
});

test("hone worker runs all trials of a client study, several at a time", async () => {
  const call = client({ api, team, token });
  const created = await call<Study>("POST", "/studies", {
    name: "for-workers",
    space: { x: { type: "float", low: -10, high: 10 } },
    objectives: [{ metric: "loss", direction: "minimize" }],
    budget: { trials: 6 },
  });
  const { study } = created.body;
  const program = ["python3", join(examples, "docker/train.py")];
  await run([...runner, "worker", "--study", study, "--jobs", "3", "--", ...program], variables);
  expect((await call<Study>("GET", `/studies/${study}`)).body).toMatchObject({
    state: "finished",
    trials: { completed: 6, failed: 0, running: 0 },
  });
});
