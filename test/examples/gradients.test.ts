import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Lifetime } from "../../local/lifetime.ts";
import { root } from "../../local/process.ts";
import { makeRunFolder } from "../../local/run-folder.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import type { CreateStudyBody, Study } from "../../shared/schemas/study.ts";
import type { TrialDetail } from "../../shared/schemas/trial.ts";
import { client, until } from "../support/http.ts";

/** The job templates of `examples/gradients`, as they are, on the local stack: `npm run local -- --python .venv-gradients`. */

const python = join(root, ".venv-gradients");
/** Seconds that all trials of a template may take, on few cores. */
const PATIENCE = 230;
/** Of a trial of `self-tuning`. */
const EPOCHS = 6;

let stack: Stack;
const cleanings: ((exitCode: number) => unknown)[] = [];

beforeAll(async () => {
  if (!existsSync(python)) throw new Error("There is no .venv-gradients. `npm run test:gradients` makes it.");
  const folder = makeRunFolder("templates");
  const lifetime: Lifetime = {
    signal: new AbortController().signal,
    atEnd: (clean) => void cleanings.unshift(clean),
  };
  stack = await startStack(lifetime, { folder, team: "templates", vcpus: 2, python });
});
afterAll(async () => {
  for (const clean of cleanings) await clean(0);
});

/** The reports of a trial, each as its attempt and its step. */
const stepsOf = ({ reports }: TrialDetail) => reports.map(({ attempt, step }) => [attempt, step]);

/** Creates a template's study, with `command` in place of its own, and starts it. */
const begin = async (template: string, command?: readonly string[]) => {
  const body: CreateStudyBody = JSON.parse(
    readFileSync(join(root, "examples/gradients", template, "study.json"), "utf8"),
  );
  const executor = { ...body.executor, ...(command && { command }) };
  const call = client(stack);
  const { study } = (await call<Study>("POST", "/studies", { ...body, executor })).body;
  expect((await call("POST", `/studies/${study}/start`)).status).toBe(200);
  return {
    trial: async (number: number) =>
      (await call<TrialDetail>("GET", `/studies/${study}/trials/${number}`)).body,
    finished: async () =>
      until(
        async () => (await call<Study>("GET", `/studies/${study}`)).body,
        ({ state }) => state === "finished",
        PATIENCE,
      ),
  };
};

test.each(["ridge-logistic", "digits", "darts"])("all trials of %s complete", async (template) => {
  const { finished } = await begin(template);
  const { trials, best } = await finished();
  expect(trials).toMatchObject({ completed: 4, failed: 0 });
  expect(best).toHaveLength(1);
});

test("all trials of self-tuning complete, and one whose machine is taken away goes on from its checkpoint", async () => {
  // Every report is looked at, and not only those that are due.
  const program = ["python", "examples/gradients/self-tuning/train.py"];
  const { trial, finished } = await begin("self-tuning", [
    "hone",
    "exec",
    "--report-every",
    "0",
    "--",
    ...program,
  ]);
  const { jobId, state } = await until(
    () => trial(0),
    ({ checkpoint }) => checkpoint !== null,
    PATIENCE,
  );
  expect(state).toBe("running");
  await fetch(`${stack.batchEndpoint}/local/interrupt`, { method: "POST", body: JSON.stringify({ jobId }) });
  expect((await finished()).trials).toMatchObject({ completed: 4, failed: 0 });
  const resumed = await trial(0);
  expect(resumed).toMatchObject({ attempt: 2, attempts: [{ attempt: 1, end: "interrupted" }] });
  const [first = [], second = []] = [1, 2].map((of) =>
    stepsOf(resumed).flatMap(([attempt, step]) => (attempt === of ? [step] : [])),
  );
  expect(first[0]).toBe(1);
  // Saved epochs are not trained again.
  expect(second[0]).toBeGreaterThan(1);
  expect(second.at(-1)).toBe(EPOCHS);
});
