import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { BestReply } from "../../shared/schemas/trial.ts";
import { client } from "../support/http.ts";

/** The blocks of README that a reader copies, run unchanged against the deployed stack. */

const { api, team, token } = inject("stack");
const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const env = {
  PATH: process.env.PATH,
  PYTHONPATH: join(root, "clients/python/src"),
  HONE_API: api,
  HONE_TEAM: team,
  HONE_TOKEN: token,
};

const blocks = (language: string): string[] =>
  Array.from(
    readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms")),
    ([, text = ""]) => text,
  );

const block = (language: string): string => {
  const [text = ""] = blocks(language);
  expect(text).not.toBe("");
  return text;
};

const run = async (program: string, args: readonly string[]) =>
  (await promisify(execFile)(program, args, { env })).stdout;

test("the curl lines create, ask, tell and read the best, with the replies shown in the comments", async () => {
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

test("the Python program is the one in examples, and finds the minimum", async () => {
  expect(block("python")).toBe(readFileSync(join(root, "examples/ask_tell.py"), "utf8"));
  const stdout = await run("python3", ["-c", block("python")]);
  const [, x] = /^Result\(number=\d+, params=\{'x': ([-\d.e]+)\}, values=/.exec(stdout) ?? [];
  expect(Math.abs(Number(x) - 3)).toBeLessThan(2);
});

test("the study with two objectives has the Pareto set that is shown below it", async () => {
  const shownInReadme = blocks("json").map((text) => JSON.parse(text));
  const body = shownInReadme.find(({ objectives }) => objectives?.length === 2);
  const shown = shownInReadme.find(({ trials }) => trials !== undefined);
  const call = client({ api, team, token });
  const created = await call<Study>("POST", "/studies", body);
  expect(created.status).toBe(201);
  const path = `/studies/${created.body.study}`;
  const [first, second] = (shown as BestReply).trials;
  const values = [
    first?.values,
    { accuracy: 0.92, comparisons: 81, nodes: 100 }, // dominated by the first
    second?.values,
    { accuracy: 0.99, comparisons: 1, nodes: 5001 }, // not feasible
  ];
  await call("POST", `${path}/trials`, { trials: [{ params: first?.params }] });
  await call("POST", `${path}/trials`, { trials: [{ params: { trees: 2, depth: 2 } }] });
  await call("POST", `${path}/trials`, { trials: [{ params: second?.params }] });
  await call("POST", `${path}/ask`, { count: values.length });
  for (const [number, told] of values.entries()) {
    const reply = await call("POST", `${path}/trials/${number}/tell`, { attempt: 1, values: told });
    expect(reply.status).toBe(200);
  }
  expect((await call("GET", `${path}/best`)).body).toEqual(shown);
});
