import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";

/** The blocks of README that a reader copies, run as they stand against the deployed stack. */

const { api, team, token } = inject("stack");
const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const env = { PATH: process.env.PATH, HONE_API: api, HONE_TEAM: team, HONE_TOKEN: token };

const block = (language: string): string => {
  const [, text = ""] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(readme) ?? [];
  expect(text).not.toBe("");
  return text;
};

const run = async (program: string, args: readonly string[]) =>
  (await promisify(execFile)(program, args, { env })).stdout;

test("the curl lines create, ask, tell and read the best, with the replies shown beside them", async () => {
  const stdout = await run("sh", ["-euc", block("sh")]);
  const replies = Array.from(
    stdout.matchAll(/\{"(?:trials":\[\{"number.*?\}\]|number).*?\}(?=\{|$)/gs),
    String,
  );
  expect(stdout).toContain('"number":0,"attempt":1,"params":{"x":');
  expect(stdout).toContain('"retryAfter":null}');
  expect(stdout).toContain('{"number":0,"state":"completed"}');
  expect(replies.at(-1)).toMatch(
    /^\{"trials":\[\{"number":0,"params":\{"x":[^}]*\},"values":\{"loss":9\}\}\]\}/,
  );
});

test("the Python program is the one in examples, and finds a minimum", async () => {
  expect(block("python")).toBe(readFileSync(join(root, "examples/ask_tell.py"), "utf8"));
  const { trials } = JSON.parse(await run("python3", ["-c", block("python")]));
  expect(Math.abs(trials[0].params.x - 3)).toBeLessThan(2);
});
