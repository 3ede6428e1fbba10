import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (page: string) => readFileSync(join(root, page), "utf8");
const pages = globSync(["*.md", "{bench,cli,clients,docs,examples,infra,local}/**/*.md"], { cwd: root });
const missing = (paths: string[], folder = "") =>
  paths.filter((path) => !existsSync(join(root, folder, path)));

test.each(pages)("every relative link of %s exists", (page) => {
  const links = Array.from(read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g), ([, path = ""]) => path);
  expect(missing(links, dirname(page))).toEqual([]);
});

test("every file and folder that CONTRIBUTING names exists", () => {
  const page = read("CONTRIBUTING.md");
  const named = Array.from(page.matchAll(/`([\w.-]+\/[\w./-]*)`/g), ([, path = ""]) => path);
  const folders = Array.from(page.matchAll(/^([a-z]+)\/ +/gm), ([, folder = ""]) => folder);
  expect(named.length).toBeGreaterThan(10);
  expect(folders.length).toBeGreaterThan(5);
  expect(missing([...named, ...folders])).toEqual([]);
});
