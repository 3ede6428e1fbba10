/**
 * What an ask and a tell cost as a study grows: the api Lambda's own handler, in this process, against the emulator's
 * DynamoDB. Prints the table for `bench/README.md`.
 *
 *   npm run bench:ask
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startEmulator } from "../../local/emulator.ts";
import { root } from "../../local/process.ts";
import { createRandom } from "../../shared/numerics/random.ts";
import { addTrials } from "../../shared/service/add.ts";
import { askTrials } from "../../shared/service/ask.ts";
import type { ServiceDeps } from "../../shared/service/deps.ts";
import { FOLD_AT } from "../../shared/service/fold.ts";
import { loadStudy } from "../../shared/service/study.ts";
import { tellTrial } from "../../shared/service/tell.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../test/support/service.ts";
import { createTable } from "../../test/support/table.ts";
import { type Meter, meter } from "./meter.ts";

const SIZES = [100, 1_000, 10_000];
/** Covers a whole cycle of the tail, from just folded to just before the next fold. */
const PAIRS = FOLD_AT + 50;

const space = {
  lr: { type: "float", low: 1e-5, high: 0.1, scale: "log" },
  decay: { type: "float", low: 1e-6, high: 1, scale: "log" },
  momentum: { type: "float", low: 0, high: 0.99 },
  dropout: { type: "float", low: 0, high: 0.8 },
  layers: { type: "int", low: 1, high: 8 },
  batch: { type: "int", low: 32, high: 1024, step: 32 },
  width: { type: "int", low: 16, high: 2048, scale: "log" },
  optimizer: { type: "categorical", choices: ["sgd", "adam", "lamb"] },
  activation: { type: "categorical", choices: ["relu", "gelu"] },
  size: { type: "ordinal", choices: ["small", "medium", "large"] },
} as const;

const quantile = (values: readonly number[], q: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;

const objective = (params: Record<string, unknown>) =>
  Math.abs(Math.log10(Number(params.lr)) + 3) + Number(params.dropout) + Number(params.layers) / 8;

interface Row {
  readonly trials: number;
  readonly ask: number[];
  readonly tell: number[];
  readonly cost: Meter;
  readonly cold: number;
  readonly coldReads: number;
}

const fill = async (deps: ServiceDeps, id: string, count: number) => {
  const study = await loadStudy(deps, TEAM, id);
  const random = createRandom(7);
  const compiled = compileSpace(space as never);
  for (let done = 0; done < count; done += 250) {
    const trials = Array.from({ length: Math.min(250, count - done) }, () => {
      const params = fromCube(compiled, sampleCube(compiled, random));
      return { params, values: { loss: objective(params) } };
    });
    await addTrials(deps, study, { trials }, noReceipt);
  }
};

const measure = async (
  client: DynamoDBClient,
  table: string,
  size: number,
  algorithm: "tpe" | "random",
): Promise<Row> => {
  const deps = testDeps(client, table);
  // The clock of the bench is the machine's.
  const live = { ...deps, clock: () => Date.now() };
  const study = await makeStudy(live, {
    space: space as never,
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: algorithm, seed: 1 },
    budget: { trials: 100_000 },
  });
  await fill(live, study.id, size);

  const cold = { ...testDeps(client, table), clock: () => Date.now() };
  const coldMeter = meter(client);
  const begin = performance.now();
  const first = await askTrials(cold, await loadStudy(cold, TEAM, study.id), {}, noReceipt);
  const coldTime = performance.now() - begin;
  coldMeter.stop();
  const coldReads = coldMeter.reads;
  for (const trial of first.trials) {
    await tellTrial(
      cold,
      study,
      trial.number,
      { attempt: 1, values: { loss: objective(trial.params) } },
      noReceipt,
    );
  }

  const ask: number[] = [];
  const tell: number[] = [];
  const cost = meter(client);
  for (let i = 0; i < PAIRS; i++) {
    const t0 = performance.now();
    const { trials } = await askTrials(cold, study, {}, noReceipt);
    const t1 = performance.now();
    ask.push(t1 - t0);
    for (const trial of trials) {
      const t2 = performance.now();
      await tellTrial(
        cold,
        study,
        trial.number,
        { attempt: 1, values: { loss: objective(trial.params) } },
        noReceipt,
      );
      tell.push(performance.now() - t2);
    }
  }
  cost.stop();
  return { trials: size, ask, tell, cost, cold: coldTime, coldReads };
};

const emulator = await startEmulator({ folder: join(root, ".hone", "bench") });
try {
  const { client, tableName } = await createTable(emulator.endpoint);
  console.log(
    "| algorithm | finished trials | ask p50 ms | ask p95 ms | tell p50 ms | tell p95 ms | write units a pair | of it, segments | read units a pair | first ask, cold ms | its read units |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|---|");
  for (const algorithm of ["random", "tpe"] as const) {
    for (const size of SIZES) {
      const row = await measure(client, tableName, size, algorithm);
      const cells = [
        quantile(row.ask, 0.5).toFixed(1),
        quantile(row.ask, 0.95).toFixed(1),
        quantile(row.tell, 0.5).toFixed(1),
        quantile(row.tell, 0.95).toFixed(1),
        (row.cost.writes / PAIRS).toFixed(2),
        (row.cost.segmentWrites / PAIRS).toFixed(2),
        (row.cost.reads / PAIRS).toFixed(1),
        row.cold.toFixed(0),
        row.coldReads.toFixed(0),
      ];
      console.log(`| ${algorithm} | ${row.trials.toLocaleString("en")} | ${cells.join(" | ")} |`);
    }
  }
} finally {
  await emulator.stop();
}
