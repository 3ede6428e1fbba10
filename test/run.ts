/**
 * All tests, as two runs of vitest side by side: those of the deployed stack wait more than they compute, and meanwhile the others
 * compute. The output of the former is shown after that of the latter. With arguments, one run that is given them.
 *
 *   node test/run.ts     CI_RESULTS=FOLDER also writes a report of each run there
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { binFolder } from "../local/process.ts";

const results = process.env.CI_RESULTS;

/** @param report its name, for CI. */
const vitest = (args: readonly string[], output: "inherit" | "pipe", report: string) => {
  const colours = output === "pipe" && process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const reported = results === undefined ? {} : { CI_RESULTS: join(results, `${report}.json`) };
  const run = spawn(join(binFolder, "vitest"), ["run", ...args], {
    env: { ...process.env, ...colours, ...reported },
    stdio: ["inherit", output, output],
  });
  process.on("SIGTERM", () => run.kill());
  return run;
};

// A terminal tells the runs too: they clean up, and this waits for them.
process.on("SIGINT", () => {});

const exitCode = async (run: ReturnType<typeof vitest>): Promise<number> => {
  const [code] = await once(run, "close");
  return code ?? 1;
};

const runBoth = async (): Promise<number> => {
  const deployed = vitest(["--project", "stack", "--project", "recorded"], "pipe", "stack");
  const others = vitest(["--project", "unit", "--project", "store"], "inherit", "others");
  const ends = Promise.all([exitCode(others), exitCode(deployed)]);
  const held: Uint8Array[] = [];
  let write = (text: Uint8Array): unknown => held.push(text);
  for (const stream of [deployed.stdout, deployed.stderr]) stream?.on("data", (text) => write(text));
  await once(others, "close");
  write = (text) => process.stdout.write(text);
  for (const text of held) write(text);
  return Math.max(...(await ends));
};

const args = process.argv.slice(2);
const isOfProject = args.some((arg) => /^--project\b/.test(arg));
const some = isOfProject ? args : ["--project", "!templates", ...args];
process.exitCode = args.length > 0 ? await exitCode(vitest(some, "inherit", "others")) : await runBoth();
