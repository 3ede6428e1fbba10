/**
 * Runs the tests of hone_gradients in an environment of their own, .venv-gradients, made on first use, and then the job templates of
 * examples/gradients on the local stack, for which `npm run setup` must have been run. Needs Node 18 and Python 3.10 or newer, and no packages.
 * Where there is no place or no time for PyTorch, it says what it left out and ends well.
 *
 *   node local/gradients.mjs                        all tests
 *   node local/gradients.mjs ARGUMENTS OF PYTEST    those of the library alone
 *
 * HONE_GRADIENTS_MINUTES: how long the installation may take.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tests = join(root, "test", "clients", "gradients");
const venv = join(root, ".venv-gradients");
const python = join(venv, "bin", "python");
const requirements = join(root, "clients", "python-gradients", "requirements.txt");
const stamp = join(venv, "requirements.stamp");

/** What the environment takes, with the archives that pip keeps while it installs. */
const GIGABYTES = 12;
const minutes = Number(process.env.HONE_GRADIENTS_MINUTES ?? 20);

const say = (line) => process.stderr.write(`${line}\n`);

/** @returns why the environment cannot be had, or null when it is there. */
const prepare = () => {
  // A virtual environment does not work after it was moved.
  const wanted = createHash("sha256").update(venv).update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return null;
  const { bavail, bsize } = statfsSync(root);
  const free = (bavail * bsize) / 1e9;
  if (free < GIGABYTES) return `PyTorch needs ${GIGABYTES} GB of disk, and ${free.toFixed(1)} GB are free`;
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(venv);
  const base = ["python3", "python"].find(
    (name) => spawnSync(name, ["-c", "import venv, ensurepip"]).status === 0,
  );
  if (base === undefined) return "no Python with venv was found";
  const end = Date.now() + minutes * 60_000;
  say(`Installing PyTorch into .venv-gradients, once, in at most ${minutes} minutes`);
  const options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir"];
  for (const [command, args] of [
    [base, ["-m", "venv", venv]],
    [python, ["-m", "pip", "install", ...options, "-r", requirements]],
  ]) {
    const left = Math.max(1, end - Date.now());
    const { status, error } = spawnSync(command, args, { timeout: left, stdio: ["ignore", 2, 2] });
    if (error?.code === "ETIMEDOUT") return `its installation took more than ${minutes} minutes`;
    if (status !== 0) return `${command} ${args.join(" ")} failed`;
  }
  writeFileSync(stamp, wanted);
  return null;
};

const missing = prepare();
if (missing !== null) {
  say(
    `Skipped: all tests of hone_gradients that need PyTorch (${tests}/torch) and the job templates, because ${missing}.`,
  );
  process.exit(0);
}
const paths = [join(root, "clients/python-gradients/src"), join(root, "clients/python/src"), tests];
const given = process.argv.slice(2);
const library = spawnSync(
  python,
  ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", join(tests, "torch"), ...given],
  { stdio: "inherit", env: { ...process.env, PYTHONPATH: paths.join(delimiter) } },
);
if (library.status !== 0 || given.length > 0) process.exit(library.status ?? 1);
const vitest = join(root, "node_modules", ".bin", "vitest");
const templates = spawnSync(vitest, ["run", "--project", "templates"], { cwd: root, stdio: "inherit" });
process.exit(templates.status ?? 1);
