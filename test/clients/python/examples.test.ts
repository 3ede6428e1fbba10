import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Study, StudyPage } from "../../../shared/schemas/study.ts";
import { serveBucket } from "../bucket.ts";
import { serve } from "../driver.ts";
import { type Script, uploadTo } from "../service.ts";
import { decide, handOut, nothing, ROOT, serveHandler, startPython, studyOf } from "./driver.ts";

/** The Python examples that report, unchanged, with a scheduler that stops and pauses as the test says. */

/** Of native code: tests run side by side. */
const ONE_THREAD = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };

const example = (name: string) => join(ROOT, "examples", name);

const runExample = async (name: string, metric: string, script: Script) => {
  const service = await serve({
    createStudy: () => studyOf(metric),
    best: () => ({ body: { trials: [] } }),
    ...script,
  });
  const cwd = await mkdtemp(join(tmpdir(), "hone-examples-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const env = { HONE_API: service.api, HONE_TEAM: "acme", HONE_TOKEN: "hone_python_0123456789" };
  const { code, stderr } = await startPython([example(name)], { ...env, ...ONE_THREAD }, cwd).ended;
  expect(code, stderr).toBe(0);
  return service;
};

test("LightGBM with pruning takes no more than 21 lines", async () => {
  const lines = (await readFile(example("lightgbm_pruning.py"), "utf8")).split("\n");
  const code = lines.filter((line) => !/^\s*(#|$)/.test(line));
  expect(code.length).toBeLessThanOrEqual(21);
});

test("LightGBM ends where it is stopped, reports rungs and not every round, and tells its last loss", async () => {
  const params = { learning_rate: 0.1, num_leaves: 8 };
  const service = await runExample("lightgbm_pruning.py", "loss", {
    ask: (_, count) =>
      count > 2 ? nothing("finished") : handOut(count - 1, { params, resource: 270, reportAt: 10 }),
    report: ({ number, body: { step } }) => {
      if (step < 10) return decide("continue", 10);
      return number === 0 ? decide("stop") : decide("continue", step < 90 ? 90 : 270);
    },
  });
  const steps = (number: number) =>
    service.of("report").flatMap((call) => (call.number === number ? [call.body.step] : []));
  expect([steps(0).at(-1), steps(1).at(-1)]).toEqual([10, 270]);
  expect(steps(1)).toEqual(expect.arrayContaining([10, 90, 270]));
  expect(steps(1).length).toBeLessThan(60);
  const last = service.of("report").findLast((call) => call.number === 1);
  expect(service.of("tell").map(({ number, body }) => [number, body.values])).toEqual([
    [1, last?.body.values],
  ]);
  expect(last?.body.values.loss).toBeLessThan(0.5);
});

test("the training loop saves a checkpoint at the epoch where it is paused, and a resumed trial goes on from it", async () => {
  const params = { units: 16, lr: 0.01, alpha: 0.0001 };
  const bucket = await serveBucket();
  const paths: string[] = [];
  const service = await runExample("checkpoints.py", "accuracy", {
    checkpoint: (_, count) => ({
      body: {
        upload: uploadTo(bucket.url(`/${count}`), `hone:1-${count}-0123456789abcdef`),
        download: { url: bucket.url(paths.at(-1) ?? ""), expires: "2026-11-23T13:00:00Z" },
      },
    }),
    ask: (_, count) => {
      if (count === 1) return handOut(0, { params, resource: 3, reportAt: 3 });
      if (count > 2) return nothing("finished");
      paths.push(...[...bucket.objects.keys()].slice(-1));
      const checkpoint = "hone:1-1-0123456789abcdef";
      return handOut(0, { params, resource: 5, reportAt: 5, attempt: 2, checkpoint });
    },
    report: ({ body: { attempt, step } }) =>
      decide(attempt === 1 && step === 3 ? "pause" : "continue", attempt === 1 ? 3 : 5),
    heartbeat: ({ body: { attempt } }) => decide("continue", attempt === 1 ? 3 : 5),
  });
  const reports = service.of("report").map((call) => call.body);
  expect(reports.map(({ attempt, step }) => [attempt, step])).toEqual([
    [1, 1],
    [1, 3],
    [2, 4],
    [2, 5],
  ]);
  expect(reports[1]?.checkpoint).toMatch(/^hone:1-/);
  expect(service.of("tell").map((call) => call.body)).toEqual([
    { attempt: 2, values: reports.at(-1)?.values },
  ]);
  // The fourth epoch of one network, not the first of another.
  const accuracy = reports.map(({ values }) => Number(values.accuracy));
  expect(accuracy[2]).toBeGreaterThan((accuracy[0] ?? 1) + 0.1);
});

/** Runs an example that creates one study on the real handler. @returns the study at its end. */
const tuned = async (name: string) => {
  const { env, get, bucket } = await serveHandler();
  const cwd = await mkdtemp(join(tmpdir(), "hone-examples-"));
  onTestFinished(() => rm(cwd, { recursive: true }));
  const { code, stderr } = await startPython([example(name)], { ...env, ...ONE_THREAD }, cwd).ended;
  expect(code, stderr).toBe(0);
  const [listed] = (await get<StudyPage>("/studies")).studies;
  return { study: await get<Study>(`/studies/${listed?.study}`), bucket };
};

test("ASHA prunes most of the LightGBM models", async () => {
  const { study } = await tuned("lightgbm_pruning.py");
  const { state, trials, best } = study;
  expect([state, trials.completed + trials.pruned]).toEqual(["finished", 40]);
  expect(trials.pruned).toBeGreaterThan(trials.completed);
  expect(best[0]?.values.loss).toBeLessThan(0.2);
});

test("ASHA pauses networks, and resumes the best of them up to the last epoch", async () => {
  const { study, bucket } = await tuned("checkpoints.py");
  const { state, best } = study;
  expect(state).toBe("finished");
  expect(best[0]).toMatchObject({ measuredAt: 27 });
  expect(best[0]?.values.accuracy).toBeGreaterThan(0.9);
  // Paused ones keep their checkpoint; nothing is left of one that has a result.
  const kept = [...bucket.objects.keys()].map((path) => Number(path.split("/").at(-2)));
  expect(kept.length).toBeGreaterThan(10);
  expect(kept).not.toContain(best[0]?.number);
});

test("racing over folds and seeds takes no more than 21 lines", async () => {
  const lines = (await readFile(example("racing.py"), "utf8")).split("\n");
  expect(lines.filter((line) => !/^\s*(#|$)/.test(line)).length).toBeLessThanOrEqual(21);
});

test("a race of forests ends with a configuration that was run wherever those it beat were run", {
  timeout: 180_000,
}, async () => {
  const { study } = await tuned("racing.py");
  expect(study.state).toBe("finished");
  const [best] = study.best;
  expect(best?.values.error).toBeLessThan(0.06);
  const races = study.races ?? [];
  expect(best?.results).toBe(Math.max(...races.map(({ steps }) => steps.length)));
  const [first] = races;
  expect(first?.survivors.length).toBeLessThan(first?.steps[0]?.alive ?? 0);
});
