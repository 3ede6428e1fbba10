import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../../local/process.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hone-setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a program of this name on the PATH that prints a line and exits with this code. */
const program = (name: string, script: string): void => {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, "bin", name), 0o755);
};

/** Runs the set-up of a checkout that has its npm packages but no Python packages, with only the test's programs on the PATH. */
const setUp = () => {
  const checkout = join(folder, "checkout");
  mkdirSync(join(checkout, "local"), { recursive: true });
  mkdirSync(join(checkout, "node_modules/.bin"), { recursive: true });
  for (const file of ["local/setup.mjs", "local/requirements.txt"])
    cpSync(join(root, file), join(checkout, file));
  writeFileSync(join(checkout, "package-lock.json"), JSON.stringify({ packages: { "": {} } }));
  writeFileSync(join(checkout, "node_modules/.package-lock.json"), JSON.stringify({ packages: {} }));
  return spawnSync(process.execPath, [join(checkout, "local/setup.mjs")], {
    env: { PATH: join(folder, "bin") },
    encoding: "utf8",
  });
};

test("without Python the message says which version is needed and how to install it", () => {
  const { status, stderr } = setUp();
  expect(status).toBe(1);
  expect(stderr).toMatch(/Python 3\.10 or newer was not found .*apt-get install python3/);
});

test("a Python that is too old is not used", () => {
  program("python3", "echo 3.9.18");
  expect(setUp().stderr).toContain("Python 3.10 or newer was not found");
});

test("a Python without venv or ensurepip names the package that is missing", () => {
  program("python3", 'case "$2" in *ensurepip*) exit 1;; *) echo 3.12.4;; esac');
  const { status, stderr } = setUp();
  expect(status).toBe(1);
  expect(stderr).toContain("apt-get install python3.12-venv");
});

test("a step that fails shows its output without a stack trace", () => {
  program("python3", 'case "$1" in -c) echo 3.12.4;; *) echo "no space left" >&2; exit 1;; esac');
  const { status, stderr } = setUp();
  expect(status).toBe(1);
  expect(stderr).toContain("Making .venv with Python 3.12.4 failed");
  expect(stderr).toContain("no space left");
  expect(stderr).not.toContain("at ");
});

test("the lock of a set-up that was killed is ignored", () => {
  mkdirSync(join(folder, "checkout/.hone"), { recursive: true });
  const { pid } = spawnSync("true");
  writeFileSync(join(folder, "checkout/.hone/setup.lock"), String(pid));
  expect(setUp().stderr).toContain("Python 3.10 or newer was not found");
});

test("package-lock.json names the optional packages of every platform, or npm ci refuses it", () => {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  const named = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, "")));
  expect(wanted.filter((name) => !named.has(name))).toEqual([]);
});
