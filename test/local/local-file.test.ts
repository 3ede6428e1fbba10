import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { announce, refuseSecond } from "../../local/local-file.ts";
import type { Stack } from "../../local/stack.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hone-local-"));
  file = join(folder, "local.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stack: Stack = {
  api: "http://127.0.0.1:4000/v1",
  team: "demo",
  token: "hone_x_y",
  endpoint: "http://127.0.0.1:4566",
  certificate: null,
  batchEndpoint: "http://127.0.0.1:4001",
  outputs: {
    apiUrl: "",
    table: "t",
    queue: "",
    deadLetterQueue: "",
    bucket: "",
    brackets: "",
    halving: "",
    folds: "",
    fold: "",
    generations: "",
  },
  folder: "/logs",
  broken: new Promise(() => {}),
};

test("the file says where the stack is, is readable only by its owner, and is removed with the stack", () => {
  const withdraw = announce(stack, file);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
    api: stack.api,
    team: "demo",
    token: "hone_x_y",
    pid: process.pid,
  });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["local.json"]);
  withdraw();
  expect(existsSync(file)).toBe(false);
});

test("a second stack is refused while the first is running, and the error names the first", () => {
  refuseSecond(file);
  announce(stack, file);
  expect(() => refuseSecond(file)).toThrow(`${stack.api}, process ${process.pid}`);
});

test("a broken file, or the file of a process that has ended, is ignored", () => {
  const { pid } = spawnSync("true");
  writeFileSync(file, JSON.stringify({ ...stack, pid }));
  refuseSecond(file);
  writeFileSync(file, "{");
  refuseSecond(file);
});

test("the file of another process is not removed", () => {
  const withdraw = announce(stack, file);
  writeFileSync(file, JSON.stringify({ pid: process.pid + 1 }));
  withdraw();
  expect(existsSync(file)).toBe(true);
});
