/**
 * The cost of an ask and a tell as a study grows: the api Lambda's use cases, in this process, with the emulator's
 * DynamoDB. Prints the table for `bench/README.md`.
 *
 *   npm run bench:ask
 *   npm run bench:ask -- --algorithms gp,auto --sizes 100,1000
 */

import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startEmulator } from "../../local/emulator.ts";
import { root } from "../../local/process.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { algorithms } from "../../shared/optimizer/registry.ts";
import { FOLD_AT } from "../../shared/service/core/fold.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../test/support/service.ts";
import { createTable } from "../../test/support/table.ts";
import { quantile } from "../statistics.ts";
import { type Meter, meter } from "./meter.ts";
import { fill, space, valuesOf } from "./mixed.ts";

const { values: options } = parseArgs({
  options: {
    algorithms: { type: "string", default: "random,tpe,gp,auto" },
    sizes: { type: "string", default: "100,1000,10000" },
  },
});

const isName = (name: string): name is AlgorithmName => Object.hasOwn(algorithms, name);

const chosen = (names: string): AlgorithmName[] =>
  names.split(",").map((name) => {
    if (isName(name)) return name;
    throw new Error(`There is no algorithm ${name}; there are ${Object.keys(algorithms).join(", ")}.`);
  });

/** Enough pairs for a few whole cycles of the tail, from one fold to the next. */
const PAIRS = 4 * FOLD_AT + 50;

interface Row {
  readonly trials: number;
  readonly ask: number[];
  readonly tell: number[];
  readonly cost: Meter;
  readonly cold: number;
  readonly coldReads: number;
}

const measure = async (
  client: DynamoDBClient,
  table: string,
  size: number,
  algorithm: AlgorithmName,
): Promise<Row> => {
  const deps = testDeps(client, table);
  // The real clock.
  const live = { ...deps, clock: () => Date.now() };
  const study = await makeStudy(live, {
    space,
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: algorithm, seed: 1 },
    budget: { trials: 100_000 },
  });
  await fill(live, study, size);

  const cold = { ...testDeps(client, table), clock: () => Date.now() };
  const coldMeter = meter(client);
  const begin = performance.now();
  const first = await askTrials(cold, await loadStudy(cold, TEAM, study.id), {}, noReceipt);
  const coldTime = performance.now() - begin;
  coldMeter.stop();
  const coldReads = coldMeter.reads;
  for (const trial of first.trials) {
    await tellTrial(cold, study, trial.number, { attempt: 1, values: valuesOf(trial.params) }, noReceipt);
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
      await tellTrial(cold, study, trial.number, { attempt: 1, values: valuesOf(trial.params) }, noReceipt);
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
    "| algorithm | finished trials | ask p50 ms | ask p95 ms | tell p50 ms | tell p95 ms | write units per pair | of it, segments | read units per pair | first ask, cold ms | its read units |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|---|---|");
  for (const algorithm of chosen(options.algorithms)) {
    for (const size of options.sizes.split(",").map(Number)) {
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
