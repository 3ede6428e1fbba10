/**
 * Gradient-based tuning in PyTorch: `npm run bench:gradients`, after `npm run test:gradients` has made its environment.
 *
 *   npm run bench:gradients                       all questions
 *   npm run bench:gradients -- --only ridge       one or several: ridge, memory, collapse, tuning
 *   npm run bench:gradients -- --seeds 5          of collapse and of tuning
 *   npm run bench:gradients -- --report           prints existing results
 *
 * Results are lines of JSON in `.bench/gradients`. Peers are installed into the same environment; one that cannot be is left out.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { measureSelfTuning, PROBLEMS, reportSelfTuning } from "./self-tuning.ts";

const QUESTIONS = ["ridge", "memory", "collapse", "tuning"];

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: QUESTIONS.join(",") },
    seeds: { type: "string", default: "5" },
    report: { type: "boolean", default: false },
  },
});

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = join(root, ".venv-gradients/bin/python");
const results = join(root, ".bench/gradients");
const fileOf = (question: string) => join(results, `${question}.jsonl`);

process.env.NODE = process.execPath;
process.env.OMP_NUM_THREADS = "1";
process.env.PYTHONPATH = join(root, "clients/python-gradients/src");
const commandOf = (question: string) => [
  python,
  "-W",
  "ignore",
  join(root, "bench/gradients", `${question}.py`),
];

const run = (question: string, ...args: readonly string[]): string => {
  const [program = "", ...before] = commandOf(question);
  return execFileSync(program, [...before, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
};

const outputOf = async (question: string): Promise<string> => {
  const seeds = Array.from({ length: Number(flags.seeds) }, (_, seed) => String(seed));
  if (question === "collapse") return seeds.map((seed) => run(question, seed)).join("");
  if (question !== "tuning") return run(question);
  const programs = { command: commandOf(question), run: (...args: string[]) => run(question, ...args) };
  let output = "";
  for (const problem of PROBLEMS) output += await measureSelfTuning(programs, problem, seeds);
  return output;
};

type Line = Readonly<Record<string, unknown>>;

/** Lines of results as a table in Markdown. */
const table = (lines: readonly Line[]): string => {
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const text = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
  return [
    row(names),
    row(names.map(() => "---")),
    ...lines.map((line) => row(names.map((name) => text(line[name])))),
  ].join("\n");
};

const linesOf = <T>(question: string): T[] =>
  readFileSync(fileOf(question), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): T => JSON.parse(line));

const report = (question: string): void => {
  const texts =
    question === "tuning"
      ? [reportSelfTuning(linesOf(question))]
      : [...Map.groupBy(linesOf<Line>(question), (line) => line.table).values()].map(table);
  for (const text of texts) console.log(`${text}\n`);
};

const questions = flags.only.split(",");
const unknown = questions.find((question) => !QUESTIONS.includes(question));
if (unknown !== undefined)
  throw new Error(`There is no question "${unknown}"; there are ${QUESTIONS.join(", ")}.`);
if (!existsSync(python))
  throw new Error("There is no .venv-gradients yet. Run `npm run test:gradients` first.");
mkdirSync(results, { recursive: true });
if (!flags.report && questions.includes("ridge")) {
  const peers = join(root, "bench/gradients/requirements.txt");
  const { status } = spawnSync(python, ["-m", "pip", "install", "--quiet", "-r", peers], {
    stdio: "inherit",
  });
  if (status !== 0) console.error("Peers could not be installed, so they are left out.");
}
for (const question of questions) {
  if (!flags.report) writeFileSync(fileOf(question), await outputOf(question));
  report(question);
}
