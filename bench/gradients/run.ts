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

const run = (question: string, ...args: readonly string[]): string =>
  execFileSync(python, ["-W", "ignore", join(root, "bench/gradients", `${question}.py`), ...args], {
    env: {
      ...process.env,
      NODE: process.execPath,
      OMP_NUM_THREADS: "1",
      PYTHONPATH: join(root, "clients/python-gradients/src"),
    },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });

const measure = (question: string): void => {
  const seeds = Array.from({ length: Number(flags.seeds) }, (_, seed) => String(seed));
  const seeded = question === "tuning" || question === "collapse";
  const output = seeded ? seeds.map((seed) => run(question, seed)).join("") : run(question);
  writeFileSync(fileOf(question), output);
};

type Line = Readonly<Record<string, unknown>>;

/** Lines of results as a table in Markdown, without curves and schedules. */
const table = (lines: readonly Line[]): string => {
  const names = [
    ...new Set(
      lines.flatMap((line) => Object.keys(line).filter((name) => !["curve", "schedule"].includes(name))),
    ),
  ];
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const text = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
  return [
    row(names),
    row(names.map(() => "---")),
    ...lines.map((line) => row(names.map((name) => text(line[name])))),
  ].join("\n");
};

const report = (question: string): void => {
  const lines = readFileSync(fileOf(question), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line));
  for (const [, part] of Map.groupBy(lines, (line) => line.table)) console.log(`${table(part)}\n`);
};

const questions = flags.only.split(",");
const unknown = questions.find((question) => !QUESTIONS.includes(question));
if (unknown !== undefined)
  throw new Error(`There is no question "${unknown}"; there are ${QUESTIONS.join(", ")}.`);
if (!existsSync(python))
  throw new Error("There is no .venv-gradients yet. Run `npm run test:gradients` first.");
mkdirSync(results, { recursive: true });
if (!flags.report) {
  const peers = join(root, "bench/gradients/requirements.txt");
  const { status } = spawnSync(python, ["-m", "pip", "install", "--quiet", "-r", peers], {
    stdio: "inherit",
  });
  if (status !== 0) console.error("Peers could not be installed, so they are left out.");
}
for (const question of questions) {
  if (!flags.report) measure(question);
  report(question);
}
