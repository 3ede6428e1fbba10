import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/security.md"), "utf8");
const rows = page.split("\n").filter((line) => /^\| \d+ /.test(line));
const testsIn = (text: string) =>
  Array.from(text.matchAll(/`(test\/[\w./-]+\.test\.ts)`/g), ([, path = ""]) => path);

test("each of the ten risks has a test", () => {
  expect(rows.map((row) => Number(/\d+/.exec(row)?.[0]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  for (const row of rows) expect(testsIn(row).length, row).toBeGreaterThan(0);
});

test("every test that the page names exists", () => {
  expect(testsIn(page).length).toBeGreaterThan(20);
  expect(testsIn(page).filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
