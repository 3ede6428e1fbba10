/**
 * Installs what Hone needs into the checkout: npm packages into node_modules, Python packages into .venv. Runs on Node 18 or
 * newer and uses no packages itself; everything else then runs on the Node 24 of the npm package `node`. When everything is
 * installed already it takes well under a second.
 *
 *   node local/setup.mjs           what `npm run demo` and `npm run local` need
 *   node local/setup.mjs --tests   and what `npm test` needs
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");
const venv = join(root, ".venv");
const lock = join(root, ".hone", "setup.lock");
const venvPython = join(venv, "bin", "python");

/** Something the user must do first; shown without a stack trace. */
class Missing extends Error {}

const setUp = async (requirements) => {
  if (process.platform === "win32")
    throw new Missing("Hone's local stack runs on Linux and macOS; on Windows use WSL.");
  if (!packagesInstalled() || !pythonReady(requirements)) {
    await alone(() =>
      both(
        packagesInstalled() ? null : installPackages(),
        pythonReady(requirements) ? null : installPython(requirements),
      ),
    );
  }
  await assertNode24();
};

// --- npm packages

/** Whether node_modules holds what package-lock.json lists. npm writes its own list last, so it is missing after a failed install. */
const packagesInstalled = () => {
  const installed = join(modules, ".package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = readJson(join(root, "package-lock.json")).packages;
  const found = readJson(installed).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === "" || optional || found[path]?.version === version,
  );
};

const installPackages = () =>
  step("Installing npm packages", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    // Without node_modules/.bin, which npm replaces now: `node` must be the machine's own during the installation.
    PATH: pathWithout(join(modules, ".bin")),
  });

/** The package `node` downloads its binary in an install script; when install scripts are disabled, the binary is missing without an error. */
const assertNode24 = async () => {
  const node = join(modules, ".bin", "node");
  const version = await output(node, ["--version"]).catch(() => "missing");
  if (version.startsWith("v24.")) return;
  throw new Missing(
    `node_modules/.bin/node is ${version}, not Node 24: the install script of the npm package "node" did not run. ` +
      "Allow install scripts (npm config get ignore-scripts), remove node_modules and run this again.",
  );
};

// --- Python packages

const pythonReady = (requirements) => existsSync(venvPython) && requirements.every(isStamped);

const isStamped = (file) => existsSync(stampOf(file)) && readFileSync(stampOf(file), "utf8") === hashOf(file);

const stampOf = (file) => join(venv, `${file.replace("/", "-")}.stamp`);

/** Includes the path, because a virtual environment does not work after it was moved. */
const hashOf = (file) =>
  createHash("sha256")
    .update(venv)
    .update(readFileSync(join(root, file)))
    .digest("hex");

const installPython = async (requirements) => {
  if (!(await works(venvPython)) || readStampedPlace() !== venv) await makeVenv();
  for (const file of requirements.filter((name) => !isStamped(name))) {
    const options = ["--quiet", "--disable-pip-version-check", "--no-input"];
    await step(`Installing Python packages of ${file}`, venvPython, [
      "-m",
      "pip",
      "install",
      ...options,
      "-r",
      file,
    ]);
    writeFileSync(stampOf(file), hashOf(file));
  }
};

const makeVenv = async () => {
  const { command, version } = await findPython();
  rmSync(venv, { recursive: true, force: true });
  await step(`Making .venv with Python ${version}`, command, ["-m", "venv", venv]);
  writeFileSync(join(venv, "place.stamp"), venv);
};

const readStampedPlace = () =>
  existsSync(join(venv, "place.stamp")) ? readFileSync(join(venv, "place.stamp"), "utf8") : null;

/** The pinned packages have binaries for these versions; a newer Python is used only if there is no other. */
const minors = [14, 13, 12, 11, 10];

const findPython = async () => {
  const script = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";
  const newer = [];
  const bare = [];
  for (const command of ["python3", ...minors.map((minor) => `python3.${minor}`), "python"]) {
    const version = await output(command, [
      "-c",
      "import sys; print('%d.%d.%d' % sys.version_info[:3])",
    ]).catch(() => "");
    const [major, minor] = version.split(".").map(Number);
    if (major !== 3 || minor < 10) continue;
    if (!(await output(command, ["-c", script]).catch(() => ""))) bare.push({ command, version });
    else if (minors.includes(minor)) return { command, version };
    else newer.push({ command, version });
  }
  if (newer[0] !== undefined) return newer[0];
  if (bare[0] !== undefined) {
    const [major, minor] = bare[0].version.split(".");
    throw new Missing(
      `${bare[0].command} is Python ${bare[0].version} but lacks venv or ensurepip. ` +
        `On Debian and Ubuntu: sudo apt-get install python${major}.${minor}-venv.`,
    );
  }
  throw new Missing(
    "Python 3.10 or newer was not found (tried python3, python3.14 to python3.10, python). The local stack needs it: " +
      "sudo apt-get install python3 python3-venv, brew install python, or python.org.",
  );
};

const works = (python) =>
  output(python, ["-c", ""]).then(
    () => true,
    () => false,
  );

// --- one at a time

/** Runs `work` while no other set-up of this checkout runs; the lock of a set-up that was killed is ignored. */
const alone = async (work) => {
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = 0; !takeLock(); waited++) {
    if (waited === 0) say("Waiting for another set-up of this checkout");
    await sleep(500);
  }
  try {
    await work();
  } finally {
    rmSync(lock, { force: true });
  }
};

const takeLock = () => {
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lock); // fails when the lock exists; other processes never see it empty
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (!isAlive(Number(readIfThere(lock)))) rmSync(lock, { force: true });
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
};

const isAlive = (pid) => {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
};

// --- small things

const readIfThere = (file) => (existsSync(file) ? readFileSync(file, "utf8") : "");
const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
const say = (line) => process.stderr.write(`${line}\n`);
const output = async (command, args) => (await promisify(execFile)(command, args)).stdout.trim();
const pathWithout = (folder) =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .filter((entry) => entry !== folder)
    .join(delimiter);

/** Waits for all, even when one fails. */
const both = async (...work) => {
  await Promise.allSettled(work);
  await Promise.all(work);
};

/** Running child processes, to be stopped together with this one. */
const running = new Set();
for (const [signal, exitCode] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
]) {
  process.on(signal, () => {
    for (const child of running) child.kill("SIGTERM");
    process.exit(exitCode);
  });
}

/** Runs a command in the checkout and prints its title and duration; its output is shown only when it fails. */
const step = (title, command, args, env = {}) =>
  new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
    child.on("error", (error) =>
      reject(new Missing(`${title}: ${command} does not start (${error.message}).`)),
    );
    child.on("close", (code) => {
      running.delete(child);
      if (code !== 0)
        return reject(new Missing(`${title} failed (${command} ${args.join(" ")}):\n${text.trim()}`));
      say(`${title}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
      resolve();
    });
  });

const requirements = ["local/requirements.txt"];
if (process.argv.includes("--tests")) requirements.push("test/requirements.txt");
try {
  await setUp(requirements);
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  say(`${relative(process.cwd(), fileURLToPath(import.meta.url))}: ${error.message}`);
  process.exit(1);
}
