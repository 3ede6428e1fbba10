import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import type { Study } from "../../../shared/schemas/study.ts";
import { RUNNER } from "../driver.ts";
import { PACKAGE, PYTHON, serveHandler } from "./driver.ts";

/** The package as a user installs it: built, and installed into a new environment. */

const exec = promisify(execFile);
const run = async (
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd?: string,
) => (await exec(program, args, { env: { PATH: process.env.PATH, ...env }, cwd })).stdout;

/** @returns the path of what was built. */
const build = async (kind: "wheel" | "sdist") => {
  const into = await mkdtemp(join(folder, kind));
  await run(PYTHON, ["-m", "hatchling", "build", "-t", kind, "-d", into], {}, PACKAGE);
  const [built = ""] = await readdir(into);
  return join(into, built);
};

let folder: string;
let bin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hone-package-"));
  const wheel = await build("wheel");
  await run(PYTHON, ["-m", "venv", "--without-pip", join(folder, "venv")]);
  bin = join(folder, "venv/bin");
  const options = ["--no-index", "--no-deps", "--disable-pip-version-check", "--quiet"];
  await run(PYTHON, ["-m", "pip", "--python", join(bin, "python"), "install", ...options, wheel]);
  return () => rm(folder, { recursive: true });
}, 120_000);

test("the installed client tunes a quadratic", async () => {
  const { env, get } = await serveHandler();
  const script = `
import hone
study = hone.create_study("parabola", {"x": hone.float(-10, 10)}, minimize="loss", trials=12)
study.optimize(lambda trial: (trial.params["x"] - 3) ** 2)
print(study.id, study.best.params["x"])
`;
  const [id, x] = (await run(join(bin, "python"), ["-c", script], env)).trim().split(" ");
  expect(Math.abs(Number(x) - 3)).toBeLessThan(2);
  expect(await get<Study>(`/studies/${id}`)).toMatchObject({ state: "finished", trials: { completed: 12 } });
});

test("its command is the runner, of the same version", async () => {
  const command = join(bin, "hone");
  const help = await run(command, ["--help"]);
  expect(help).toBe(await run(RUNNER, ["--help"]));
  expect(help).toContain("worker");
  const version = await run(join(bin, "python"), ["-c", "import hone; print(hone.__version__)"]);
  expect(await run(command, ["--version"])).toBe(`hone runner ${version}`);
  await expect(run(command, ["exec", "--", "true"])).rejects.toMatchObject({ code: 2 });
});

test("it needs nothing else, and it is typed", async () => {
  const script = `
from importlib.metadata import distribution
hone = distribution("hone-tuner")
print(hone.requires, hone.metadata["Requires-Python"], any(file.name == "py.typed" for file in hone.files))
`;
  expect(await run(join(bin, "python"), ["-c", script])).toBe("None >=3.10 True\n");
});

test("a source distribution contains the runner itself", async () => {
  const archive = await build("sdist");
  await run("tar", ["xzf", archive, "-C", folder]);
  const runner = join(folder, basename(archive, ".tar.gz"), "src/hone/runner.py");
  expect(await readFile(runner, "utf8")).toBe(await readFile(RUNNER, "utf8"));
});
