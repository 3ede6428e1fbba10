/**
 * Nested cross-validation, measured: the optimism gap on labels of pure noise, and the agreement with scikit-learn on digits. The Python
 * client calls the api Lambda in this process; each result is a line of JSON, and the table of `bench/README.md` is printed last.
 *
 *   npm run bench:nested-cv
 *   npm run bench:nested-cv -- --only digits
 *   npm run bench:nested-cv -- --only noise --algorithm auto --to 1
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { TEAM } from "../../test/support/service.ts";
import { serve } from "./serve.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    algorithm: { type: "string", default: "random" },
    to: { type: "string", default: "10" },
  },
});

interface Measured {
  readonly seed?: number;
  readonly by?: string;
  readonly algorithm?: string;
  readonly innerMean: number;
  readonly mean: number;
  readonly standardError: number;
  readonly gap: number;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program of this folder against the service. @returns its lines. */
const run = async (program: string, args: readonly string[], api: string): Promise<Measured[]> => {
  const child = spawn(`${root}/.venv/bin/python`, [`${root}/bench/nested-cv/${program}`, ...args], {
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: `${root}/clients/python/src`,
      OMP_NUM_THREADS: "1",
      OPENBLAS_NUM_THREADS: "1",
      HONE_API: api,
      HONE_TEAM: TEAM,
      HONE_TOKEN: "hone_bench_0123456789",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    process.stdout.write(part);
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${program} ended with ${code}.`);
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Measured);
};

/** Two-sided 95% of Student's distribution with four degrees of freedom: five folds. */
const STUDENT = 2.776;

const row = (name: string, { innerMean, mean, standardError, gap }: Measured): string => {
  const half = STUDENT * standardError;
  const interval = `${(mean - half).toFixed(3)} to ${(mean + half).toFixed(3)}`;
  return `| ${name} | ${innerMean.toFixed(4)} | ${mean.toFixed(4)} | ${standardError.toFixed(4)} | ${interval} | ${gap.toFixed(4)} |`;
};

const server = await serve();
const rows: string[] = [];
if (options.only !== "digits") {
  const measured = await run("noise.py", ["1", options.to, options.algorithm], server.api);
  rows.push(...measured.map((one) => row(`noise ${one.seed}, ${one.algorithm}`, one)));
}
if (options.only !== "noise") {
  const measured = await run("digits.py", [], server.api);
  rows.push(...measured.map((one) => row(`digits, ${one.by}`, one)));
}
server.close();
const header = "| data | inner score | outer score | its standard error | 95% interval | optimism gap |";
process.stdout.write(`${[header, `|${"---|".repeat(6)}`, ...rows].join("\n")}\n`);
