import { execFile } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { arrows, pureRooms, rules } from "../.biome/arrows.ts";

/** Biome must refuse every import that is missing in the table of arrows, and let pass every one that is in it. */

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hone-arrows-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isFile = (room: string) => room.endsWith(".ts");
/** Where a room's planted file is: of folders one level deep, as most files are. */
const plantedIn = (room: string) => (isFile(room) ? room : `${room}/planted/file.ts`);
const importOf = (from: string, to: string) => {
  const path = relative(dirname(from), isFile(to) ? to : `${to}/other.ts`);
  return path.startsWith(".") ? path : `./${path}`;
};

/** Puts files into an empty copy of the configuration and lints them. @returns lines at fault, by file. */
const lint = async (
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<Map<string, number[]>> => {
  const tree = join(folder, name);
  mkdirSync(tree);
  cpSync(join(root, ".biome"), join(tree, ".biome"), { recursive: true });
  const { vcs: _, ...configuration } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(tree, "biome.json"), JSON.stringify(configuration));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  }
  const biome = join(root, "node_modules/.bin/biome");
  const report = await new Promise<string>((resolve) => {
    execFile(
      biome,
      ["lint", "--reporter=github", "--max-diagnostics=none", "."],
      { cwd: tree },
      (_, stdout) => resolve(stdout),
    );
  });
  const found = new Map<string, number[]>();
  for (const [, file = "", line] of report.matchAll(/^::error title=.*?,file=(.*?),line=(\d+),/gm)) {
    const path = relative(realpathSync(tree), file);
    found.set(path, [...(found.get(path) ?? []), Number(line)]);
  }
  return found;
};

const targets = Object.keys(arrows);
const linesOf = (room: string, to: readonly string[]) =>
  to.map((target, i) => `import { x${i} } from "${importOf(plantedIn(room), target)}"; x${i}();`);

test("every arrow that is not in the table is refused, and every one that is passes", async () => {
  const offences: Record<string, string[]> = {};
  const controls: Record<string, string[]> = {};
  for (const room of targets) {
    const others = targets.filter((target) => target !== room && !target.startsWith(`${room}/`));
    const allowed = others.filter((target) => arrows[room]?.includes(target));
    offences[plantedIn(room)] = linesOf(
      room,
      others.filter((target) => !allowed.includes(target)),
    );
    controls[plantedIn(room)] = linesOf(room, allowed);
  }
  const joined = (files: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(files).map(([path, lines]) => [path, lines.join("\n")]));
  const refused = await lint("offences", joined(offences));
  for (const [path, lines] of Object.entries(offences)) {
    const passed = lines.filter((_, i) => !refused.get(path)?.includes(i + 1));
    expect(passed, `imports that pass in ${path}`).toEqual([]);
  }
  expect([...(await lint("controls", joined(controls)))]).toEqual([]);
});

test("a clock, the environment, input, global randomness, Node and AWS are refused in every pure room", async () => {
  const lines = [
    "export const a = () => Date.now();",
    "export const b = () => process.env.X;",
    'export const c = () => fetch("https://example.com");',
    "export const d = () => crypto.randomUUID();",
    "export const e = () => Math.random();",
    'import { readFileSync } from "node:fs"; readFileSync("x");',
    'import { DynamoDBClient } from "@aws-sdk/client-dynamodb"; DynamoDBClient.name;',
  ];
  const refused = await lint(
    "impurities",
    Object.fromEntries(pureRooms.map((room) => [plantedIn(room), lines.join("\n")])),
  );
  for (const room of pureRooms) {
    expect(new Set(refused.get(plantedIn(room))), room).toEqual(new Set(lines.map((_, i) => i + 1)));
  }
});

test("the rules are those of the table", () => {
  expect(readFileSync(join(root, ".biome/arrows.json"), "utf8")).toBe(rules());
});

test("every import of the sources is an arrow of the table", () => {
  const longestFirst = [...targets].sort((a, b) => b.length - a.length);
  const roomOf = (path: string) =>
    longestFirst.find((room) => path === room || path.startsWith(`${room}/`)) ?? dirname(path);
  const sources = globSync("{shared,functions,infra,local,cli}/**/*.ts", { cwd: root });
  expect(sources.length).toBeGreaterThan(200);
  const strange = sources.flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return [...text.matchAll(/from "(\.[^"]+)"/g)].flatMap(([, specifier = ""]) => {
      const [from, to] = [roomOf(path), roomOf(normalize(join(dirname(path), specifier)))];
      return from === to || arrows[from]?.includes(to) ? [] : [`${path} -> ${to}`];
    });
  });
  expect(strange).toEqual([]);
});
