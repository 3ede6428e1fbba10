/**
 * `npm run demo`: starts Hone, tunes a support vector machine on handwritten digits with the batch executor and a scheduler that
 * stops bad trials, compares the result with a grid search, and stops everything again.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { CreateStudyBody, Study } from "../shared/schemas/study.ts";
import type { Trial, TrialPage } from "../shared/schemas/trial.ts";
import { apiClient } from "./api.ts";
import { runCommand } from "./command.ts";
import { type Lifetime, live, pause } from "./lifetime.ts";
import { readOptions } from "./options.ts";
import { assertNode24, LocalError, minimalEnvironment, root } from "./process.ts";
import { showProgress } from "./progress.ts";
import { countSteps, pruningLines } from "./pruning.ts";
import { makeRunFolder, removeUnlessFailed } from "./run-folder.ts";
import { type Stack, startStack } from "./stack.ts";

const example = join(root, "examples/svm-digits");

/** The output of baseline.py. */
interface Baseline {
  readonly default: { readonly accuracy: number };
  readonly grid: {
    readonly accuracy: number;
    readonly C: number;
    readonly gamma: number;
    readonly sizes: readonly [number, number];
  };
}

/** Without progress for this long the demo fails. */
const STALLED_MS = 300_000;
/** How long the stack keeps running on a terminal, so that the user can try the curl line. */
const LINGER_MS = 60_000;

/** Fits the default and the grid in one process, beside the start of the stack. */
const computeBaseline = async (folder: string, signal: AbortSignal): Promise<Baseline> => {
  const python = join(root, ".venv/bin/python");
  const printed = await runCommand(python, [join(example, "baseline.py")], {
    title: "Computing the baseline",
    environment: { ...minimalEnvironment(), OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" },
    log: join(folder, "baseline.log"),
    signal,
  });
  return JSON.parse(printed);
};

/** Creates the study, starts it, and shows its progress until it is finished. */
const tune = async (stack: Stack, signal: AbortSignal): Promise<Study> => {
  const call = apiClient(stack, signal);
  const body: CreateStudyBody = JSON.parse(readFileSync(join(example, "study.json"), "utf8"));
  const { study } = await call<Study>("POST", "/studies", body);
  await call<Study>("POST", `/studies/${study}/start`);
  console.log(
    `\nStudy ${study}: ${body.budget.trials} trials, ${body.budget.parallel} at a time, run by Hone as jobs.\n`,
  );
  const progress = showProgress();
  try {
    let done = -1;
    for (let changed = Date.now(); ; await pause(500, signal)) {
      const now = await call<Study>("GET", `/studies/${study}`);
      const { completed, pruned, failed, running } = now.trials;
      if (completed + pruned + failed !== done) changed = Date.now();
      done = completed + pruned + failed;
      const best = now.best[0]?.values.accuracy ?? null;
      progress.show({ done, total: now.budget.trials, running, best });
      if (now.state === "finished") return now;
      if (Date.now() - changed > STALLED_MS)
        throw new LocalError(
          `The study has made no progress for ${STALLED_MS / 60_000} minutes. ${now.message ?? ""}`,
        );
    }
  } finally {
    progress.end();
  }
};

/** The study's trials. @throws LocalError with their reasons unless each of them completed or was pruned. */
const trialsOf = async (stack: Stack, study: Study, signal: AbortSignal): Promise<readonly Trial[]> => {
  const { trials } = await apiClient(stack, signal)<TrialPage>("GET", `/studies/${study.study}/trials`);
  const { completed, pruned } = study.trials;
  if (completed + pruned === study.budget.trials) return trials;
  const reasons = new Set(
    trials.flatMap(({ number, state, reason }) =>
      state !== "pruned" && reason !== null ? [`trial ${number}: ${reason}`] : [],
    ),
  );
  throw new LocalError(
    `${completed + pruned} of ${study.budget.trials} trials completed or were pruned.\n${[...reasons].join("\n")}`,
  );
};

const tellPruning = ({ scheduler }: Study, trials: readonly Trial[], steps: number): void => {
  if (!("resource" in scheduler)) throw new LocalError("The study has no scheduler that stops trials.");
  console.log(`\n${pruningLines(trials, scheduler.resource, steps).join("\n")}`);
};

const tellResult = (study: Study, { default: standard, grid }: Baseline): void => {
  const [best] = study.best;
  if (best === undefined) throw new LocalError("The study has no best trial.");
  const accuracy = Number(best.values.accuracy);
  const settings = (C: unknown, gamma: unknown): string =>
    `C = ${Number(C).toPrecision(3)}, gamma = ${Number(gamma).toPrecision(3)}`;
  const row = (name: string, value: number, detail: string): void =>
    console.log(`${name.padEnd(34)}${value.toFixed(4)}   ${detail}`);
  const [ofC, ofGamma] = grid.sizes;
  console.log("\nAccuracy of the RBF SVM on scikit-learn's digits, mean of 5 folds:\n");
  row(
    `Hone, best of ${study.budget.trials} trials`,
    accuracy,
    `${settings(best.params.C, best.params.gamma)} (trial ${best.number})`,
  );
  row(`grid of ${ofC} x ${ofGamma} = ${ofC * ofGamma} fits`, grid.accuracy, settings(grid.C, grid.gamma));
  row("scikit-learn's default", standard.accuracy, 'C = 1, gamma = "scale"');
  const gain = accuracy - grid.accuracy;
  const verdict =
    gain > 0 ? "Hone is better than the grid" : gain < 0 ? "The grid is better than Hone" : "Both are equal";
  console.log(`\n${verdict}${gain === 0 ? "" : ` by ${Math.abs(gain).toFixed(4)}`}.`);
};

/** Prints a curl command and its reply. */
const showCurl = async ({ api, team, token }: Stack, study: string, signal: AbortSignal): Promise<void> => {
  const url = `${api}/teams/${team}/studies/${study}/best`;
  console.log(`\nThe API is at ${api}. Try it:\n\n  curl -H "Authorization: Bearer ${token}" ${url}\n`);
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
  console.log(`  ${await response.text()}`);
};

/** On a terminal, keeps the stack running for a while. */
const linger = async (signal: AbortSignal): Promise<void> => {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return;
  const readline = createInterface({ input: process.stdin, output: process.stdout });
  const question = `\nPress Enter to stop the stack; it stops by itself after ${LINGER_MS / 1000} s. `;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(LINGER_MS)]);
  await readline.question(question, { signal: patience }).catch(() => "");
  readline.close();
  signal.throwIfAborted();
};

const demo = async (lifetime: Lifetime): Promise<number> => {
  assertNode24();
  const options = readOptions();
  const { signal } = lifetime;
  const started = performance.now();
  const folder = makeRunFolder("demo");
  lifetime.atEnd(removeUnlessFailed(folder));
  console.log("Starting the complete Hone stack on this machine:\n");
  const step = (title: string, seconds: number): void =>
    console.log(`  ${title.padEnd(40)}${seconds.toFixed(1).padStart(6)} s`);
  const baseline = computeBaseline(folder, signal);
  baseline.catch(() => {}); // a failure is reported where it is awaited
  const vcpus = Math.max(4, availableParallelism()); // the study runs four trials at a time
  const stack = await startStack(lifetime, { vcpus, ...options, folder, onStep: step });
  const study = await Promise.race([tune(stack, signal), stack.broken]);
  tellPruning(study, await trialsOf(stack, study, signal), countSteps(join(folder, "jobs")));
  tellResult(study, await baseline);
  await showCurl(stack, study.study, signal);
  console.log(`\nTotal time: ${Math.round((performance.now() - started) / 1000)} s.`);
  await linger(signal);
  console.log("Stopping everything.");
  return 0;
};

await live(demo);
