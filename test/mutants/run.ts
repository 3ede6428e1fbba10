import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

/**
 * Mutation testing: plants faults in the sources that are named, one by one, and says which of them no test notices.
 * `npm run mutants -- 'shared/store/*.ts'`. The tests are those of the same folder, or those that `--tests` names; with
 * `--conditions` only conditions, counts and calls are changed, not literals and blocks. All
 * mutants of a folder are tried in one process, whose modules are loaded once: a mutant costs as long as its tests run.
 */
const FOLDER = ".hone/mutants";

/** They compare the table in this process with the emulator, or take minutes: too long for each mutant that they reach. */
const LEFT_OUT = [
  "test/shared/store/memory-table.test.ts",
  "test/shared/service/faults.test.ts",
  "test/shared/service/batch-faults.test.ts",
  "test/shared/service/concurrency.test.ts",
];

/** How long nothing may happen: then a mutant loops, without an end and without a turn for anyone else. */
const SILENCE_MS = 300_000;
const PROGRESS_MS = 30_000;

const { values, positionals } = parseArgs({
  options: { tests: { type: "string" }, conditions: { type: "boolean" } },
  allowPositionals: true,
});

interface Result {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly original: string;
  readonly replacement: string;
  readonly status: "running" | "killed" | "hung" | "survived" | "unreached" | "constant";
}
/** Lines that are about the run, not about a mutant. */
interface Remark {
  readonly id?: undefined;
  readonly status: "once" | "end";
  readonly broken?: readonly string[];
}

const read = (path: string): (Result | Remark)[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line))
    : [];

const testsIn = (path: string): string[] =>
  (path.endsWith(".ts") ? [path] : globSync(`${path}/**/*.test.ts`)).filter(
    (each) => !LEFT_OUT.includes(each),
  );

const isEnded = (line: Result | Remark): line is Result => line.id !== undefined && line.status !== "running";
const isLost = ({ status }: Result): boolean => status === "survived" || status === "unreached";

const progress = (lines: readonly (Result | Remark)[]): string => {
  const ended = lines.filter(isEnded);
  const last = ended.at(-1);
  const where = last === undefined ? "the tests run without a mutant" : `${last.file}:${last.line}`;
  return `${where}; ${ended.length} mutants tried, ${ended.filter(isLost).length} not noticed`;
};

const exitOf = (child: ChildProcess, results: string): Promise<"ended" | "silent"> =>
  new Promise((done) => {
    let size = -1;
    const watch = setInterval(() => {
      const now = read(results).length;
      if (now === size) child.kill("SIGKILL");
      size = now;
    }, SILENCE_MS);
    const report = setInterval(() => console.error(progress(read(results))), PROGRESS_MS);
    child.on("close", (code) => {
      clearInterval(watch);
      clearInterval(report);
      done(code === null ? "silent" : "ended");
    });
  });

/** One process, or several: one that a mutant has hung is ended, and the next goes on after it. */
const plant = async (files: readonly string[], tests: readonly string[], results: string): Promise<void> => {
  for (;;) {
    const env = {
      ...process.env,
      ...(values.conditions && { HONE_CONDITIONS: "1" }),
      HONE_MUTATE: files.join(","),
      HONE_TESTS: tests.join(","),
      HONE_RESULTS: results,
    };
    const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/mutants/vitest.config.ts"];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
    const how = await exitOf(child, results);
    const last = read(results).at(-1);
    if (how === "ended") {
      if (last?.status === "end" && last.broken?.length === 0) return;
      throw new Error(`These tests do not pass, or not twice: ${JSON.stringify(last)}`);
    }
    if (last?.id === undefined) throw new Error("The tests hang without a mutant.");
    appendFileSync(results, `${JSON.stringify({ ...last, status: "hung" })}\n`);
  }
};

const summary = (files: readonly string[], results: readonly Result[]): string[] =>
  files.flatMap((file) => {
    const own = results.filter((result) => result.file === file && result.status !== "constant");
    const lost = own.filter(isLost);
    const caught = own.length - lost.length;
    const score = own.length === 0 ? "" : ` (${Math.round((100 * caught) / own.length)}%)`;
    return [
      `${file}: ${caught} of ${own.length} killed${score}`,
      ...lost.map(
        ({ line, original, replacement, status }) =>
          `  ${file}:${line} ${status}: ${original} -> ${replacement}`,
      ),
    ];
  });

const sources = positionals.flatMap((pattern) => globSync(pattern)).sort();
if (sources.length === 0)
  throw new Error("Name the sources to mutate: npm run mutants -- 'shared/auth/*.ts'");
mkdirSync(FOLDER, { recursive: true });
for (const [folder, files = []] of Object.entries(Object.groupBy(sources, dirname))) {
  const tests = (values.tests?.split(",") ?? [join("test", folder)]).flatMap(testsIn);
  const results = join(FOLDER, `${folder.replaceAll("/", "-")}.jsonl`);
  rmSync(results, { force: true });
  await plant(files, tests, results);
  const lines = summary(files, read(results).filter(isEnded));
  writeFileSync(results.replace(/jsonl$/, "txt"), `${lines.join("\n")}\n`);
  console.log(lines.join("\n"));
}
