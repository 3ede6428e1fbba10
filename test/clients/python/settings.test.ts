import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { nothing, serveStudy, startPython } from "./driver.ts";

/** How the client finds the service. */

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hone-python-"));
  return () => rm(folder, { recursive: true });
});

const find = (env: Record<string, string>, cwd = folder, script = 'hone.load_study("parabola").ask()') =>
  startPython(["-c", `import hone\n${script}`], env, cwd).ended;

const serveNothing = async () => (await serveStudy(0, { ask: () => nothing("running", 1) })).service;

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

test("it uses the local stack of the nearest folder above, and the environment before that", async () => {
  const [local, other] = [await serveNothing(), await serveNothing()];
  const below = join(folder, "a/b");
  await mkdir(below, { recursive: true });
  await mkdir(join(folder, ".hone"));
  const content = { api: local.api, team: "acme", token: "hone_local", pid: 1 };
  await writeFile(join(folder, ".hone/local.json"), JSON.stringify(content));
  expect((await find({}, below)).code).toBe(0);
  expect(local.of("ask").map((call) => call.token)).toEqual(["hone_local"]);
  await find({ HONE_API: other.api, HONE_TEAM: "acme", HONE_TOKEN: "hone_env" }, below);
  expect(other.of("ask").map((call) => call.token)).toEqual(["hone_env"]);
  const given = `hone.load_study("parabola", client=hone.Client("${other.api}/", "acme", "hone_given")).ask()`;
  await find({}, below, given);
  expect(other.of("ask").map((call) => call.token)).toEqual(["hone_env", "hone_given"]);
});

test("the error names what is missing, and how to give it", async () => {
  const { code, stderr } = await find({ HONE_API: "http://127.0.0.1:1/v1", HONE_TEAM: "acme" });
  expect(code).toBe(1);
  expect(lastLine(stderr)).toMatch(
    /NotConfigured: token: not known\. Set HONE_API, HONE_TEAM and HONE_TOKEN/,
  );
  expect(lastLine((await find({})).stderr)).toContain("api, team, token: not known");
});

test("an address that is no URL, a token that is none and a broken local.json are named", async () => {
  const good = { HONE_API: "http://127.0.0.1:1/v1", HONE_TEAM: "acme", HONE_TOKEN: "t" };
  expect((await find({ ...good, HONE_API: "localhost:1" })).stderr).toContain("'localhost:1' is not an http");
  expect((await find({ ...good, HONE_TOKEN: "a b" })).stderr).toContain("token: it has characters");
  await mkdir(join(folder, ".hone"));
  await writeFile(join(folder, ".hone/local.json"), "{");
  expect((await find({})).stderr).toMatch(/local\.json is not JSON/);
});

test("where nothing listens, the first request fails at once and says where", async () => {
  const began = performance.now();
  const env = { HONE_API: "http://127.0.0.1:1/v1", HONE_TEAM: "acme", HONE_TOKEN: "t" };
  const { stderr } = await find(env);
  expect(lastLine(stderr)).toMatch(
    /Unreachable: no reply from http:\/\/127\.0\.0\.1:1\/v1: .*does the service run\?/,
  );
  expect(performance.now() - began).toBeLessThan(20_000);
});

test("a service that was reached and then stops is waited for, as long as the client's patience", async () => {
  const service = await serveNothing();
  const script = `
import sys
study = hone.load_study("parabola", client=hone.Client(patience=1))
print("ready", flush=True)
sys.stdin.readline()
study.ask()
`;
  const env = { HONE_API: service.api, HONE_TEAM: "acme", HONE_TOKEN: "t" };
  const program = startPython(["-c", `import hone\n${script}`], env, folder);
  onTestFinished(() => void program.process.kill());
  await service.received("getStudy");
  await new Promise((resolve) => program.process.stdout?.once("data", resolve));
  await service.stop();
  const began = performance.now();
  program.process.stdin?.write("\n");
  expect((await program.ended).stderr).toMatch(/Unreachable: POST \/studies\/parabola\/ask: no reply from/);
  expect(performance.now() - began).toBeGreaterThan(900);
});
