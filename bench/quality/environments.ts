import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environmentOf } from "./searchers.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The requirements of an environment: its packages, and overrides of their dependencies. */
const requirementsOf = (env: string, folder: string) =>
  [join(folder, `${env}.txt`), here("requirements/overrides.txt")] as const;

/** Python versions for which the pinned packages have binaries, best first. */
const PYTHONS: Readonly<Record<string, readonly string[]>> = { hebo: ["3.10", "3.11", "3.12"] };

/** Interpreters to try in order: for each version the one of uv, then that of pyenv, which uv finds only if it is activated. */
const interpretersOf = (env: string): (string | null)[] => {
  const pyenv = process.env.PYENV_ROOT ?? join(homedir(), ".pyenv");
  return (
    PYTHONS[env]?.flatMap((version) => [
      version,
      ...globSync(join(pyenv, "versions", `${version}.*`, "bin", "python")),
    ]) ?? [null]
  );
};

/**
 * Creates environments that are missing or have other requirements; one that cannot be created is skipped with a message.
 * @param folder of the files of requirements.
 */
export const install = (environments: readonly string[], folder = here("requirements")): void => {
  const uv = here("../../.venv/bin/uv");
  if (!existsSync(uv))
    execFileSync(here("../../.venv/bin/python"), ["-m", "pip", "install", "-q", "uv==0.13.9"]);
  for (const env of environments) {
    const home = here(`../../.bench/env/${env}`);
    const stamp = join(home, "requirements.stamp");
    const files = requirementsOf(env, folder);
    const wanted = files.map((file) => readFileSync(file, "utf8")).join("");
    if (existsSync(environmentOf(env)) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted)
      continue;
    rmSync(home, { recursive: true, force: true });
    let problem = "";
    for (const python of interpretersOf(env)) {
      try {
        make(uv, files, python, `${home}.new`);
        renameSync(`${home}.new`, home);
        writeFileSync(stamp, wanted);
        problem = "";
        break;
      } catch (error) {
        problem = String((error as { stderr?: unknown }).stderr ?? error).slice(-1000);
      }
    }
    if (problem !== "")
      console.error(`${env} cannot be installed here, so its searchers are left out:\n${problem}`);
  }
};

const make = (
  uv: string,
  [requirements, overrides]: readonly [string, string],
  python: string | null,
  home: string,
): void => {
  const run = (...args: readonly string[]) => execFileSync(uv, args, { stdio: "pipe" });
  rmSync(home, { recursive: true, force: true });
  run("venv", "-q", ...(python === null ? [] : ["--python", python]), home);
  const interpreter = join(home, "bin", "python");
  run("pip", "install", "-q", "--python", interpreter, "--override", overrides, "-r", requirements);
};
