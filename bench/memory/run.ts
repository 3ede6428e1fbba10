/**
 * The memory of an ask in a study of 100,000 trials. Each algorithm is asked in a process of its own, which reads the segments
 * from the emulator's DynamoDB like a cold Lambda. Prints the table for `bench/README.md`.
 *
 *   npm run bench:memory
 *   npm run bench:memory -- --trials 10000 --algorithms gp,tpe
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { build } from "esbuild";
import { startEmulator } from "../../local/emulator.ts";
import { root } from "../../local/process.ts";
import { algorithms } from "../../shared/optimizer/registry.ts";
import { makeStudy, testDeps } from "../../test/support/service.ts";
import { createTable } from "../../test/support/table.ts";
import { fill, space } from "../ask-latency/mixed.ts";

/** Memory limit of an ask, MB. */
const TARGET = 256;
/** Node delays garbage collection while memory is free; with a small young generation the peak is closer to what is needed. */
const TIDY = "--max-semi-space-size=4";

const { values: options } = parseArgs({
  options: {
    trials: { type: "string", default: "100000" },
    algorithms: { type: "string", default: Object.keys(algorithms).join() },
  },
});
const trials = Number(options.trials);

interface Asked {
  readonly loaded: number;
  readonly peak: number;
  readonly times: readonly number[];
  readonly origin: string;
}

const problems = {
  "one objective": { objectives: [{ metric: "loss", direction: "minimize" as const }] },
  "two objectives, one limit": {
    objectives: [
      { metric: "loss", direction: "minimize" as const },
      { metric: "weights", direction: "minimize" as const },
    ],
    outcomes: [{ metric: "weights", max: 8000 }],
  },
};

const folder = mkdtempSync(join(tmpdir(), "hone-memory-"));
const emulator = await startEmulator({ folder: join(root, ".hone", "bench") });
try {
  const program = join(folder, "ask.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "ask.ts")],
    outfile: program,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  const { client, tableName } = await createTable(emulator.endpoint);
  const deps = { ...testDeps(client, tableName), clock: () => Date.now() };
  const ask = async (study: string, algorithm: string, ...flags: string[]): Promise<Asked> => {
    const args = [...flags, program, emulator.endpoint, tableName, study, algorithm];
    return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
  };
  console.log(
    `| problem | algorithm | answered by | peak MB | peak MB with \`${TIDY}\` | cold ask ms | warm ask ms |`,
  );
  console.log("|---|---|---|---|---|---|---|");
  const most = { plain: 0, tidy: 0 };
  for (const [title, problem] of Object.entries(problems)) {
    const study = await makeStudy(deps, { space, ...problem, budget: { trials: 1_000_000 } });
    await fill(deps, study, trials);
    for (const algorithm of ["", ...options.algorithms.split(",")]) {
      const { peak, times, origin } = await ask(study.id, algorithm);
      const { peak: tidy } = await ask(study.id, algorithm, TIDY);
      most.plain = Math.max(most.plain, peak);
      most.tidy = Math.max(most.tidy, tidy);
      const figures = [peak, tidy, times[0], times[1]].map((figure) => figure?.toFixed(0) ?? "");
      const names = algorithm === "" ? ["none: the code alone", ""] : [algorithm, origin];
      console.log(`| ${[title, ...names, ...figures].join(" | ")} |`);
    }
  }
  const verdict = (peak: number) => `${peak < TARGET ? "met" : "missed"} (${peak.toFixed(0)} MB at most)`;
  console.log(`\nTarget: under ${TARGET} MB: ${verdict(most.plain)}; with ${TIDY}: ${verdict(most.tidy)}.`);
} finally {
  await emulator.stop();
  rmSync(folder, { recursive: true, force: true });
}
