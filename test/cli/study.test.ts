import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Race } from "../../shared/schemas/race.ts";
import type { Study } from "../../shared/schemas/study.ts";
import type { LeasedTrial, TrialPage } from "../../shared/schemas/trial.ts";
import { createTeam } from "../../shared/service/access/teams.ts";
import { createToken } from "../../shared/service/access/tokens.ts";
import { batchExecution, worldOn } from "../support/batch.ts";
import { hone } from "../support/cli.ts";
import { createTestTable } from "../support/emulator.ts";
import { type Gateway, gateway } from "../support/gateway.ts";
import { serve } from "../support/serve.ts";
import { noReceipt, studyBody, TEAM } from "../support/service.ts";

let call: Gateway;
let access: { HONE_API: string; HONE_TEAM: string; HONE_TOKEN: string };
let close: () => void;

beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  const { deps } = await worldOn(client, tableName);
  call = gateway(deps);
  await createTeam(deps, TEAM);
  const { token } = await createToken(deps, TEAM, { name: "cli", role: "owner" }, "admin", noReceipt);
  const server = await serve(call);
  close = server.close;
  access = { HONE_API: server.api, HONE_TEAM: TEAM, HONE_TOKEN: token };
});
afterAll(() => close());

const study = (...args: string[]) => hone(["study", ...args], access);
const api = <T>(method: string, path: string, body?: unknown) =>
  call<T>(method, `/v1/teams/${TEAM}${path}`, { token: access.HONE_TOKEN, body });
const create = async (change: object = {}) =>
  (await api<Study>("POST", "/studies", studyBody(change))).body.study;

test("a study that began with an earlier one shows what it took of it, and what not", async () => {
  const source = await create({ name: "source" });
  const at = (C: number) => ({ params: { C, gamma: 0.01 }, values: { accuracy: 0.9 } });
  await api("POST", `/studies/${source}/trials`, { trials: [at(1), at(500)] });
  const id = await create({
    algorithm: { name: "tpe" },
    space: { C: { type: "float", low: 0.1, high: 10 }, depth: { type: "int", low: 1, high: 9 } },
    warmStart: { studies: [{ study: source }] },
  });
  expect((await study("show", id)).stdout).toContain(
    `began with 1 of 2 results of ${source}: 1 trial beyond the bounds of C; nothing is known of depth; gamma ignored\n`,
  );
});

test("a study is created from a file, listed, shown, exported and deleted", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "hone-cli-")), "study.json");
  writeFileSync(file, JSON.stringify(studyBody({ budget: { trials: 3 } })));
  const created = await study("create", "-f", file);
  expect(created.code).toBe(0);
  const [id = ""] = created.stdout.split(" ");
  expect(id).toMatch(/^svm-digits-/);
  expect((await study("list")).stdout).toContain(id);
  expect((await study("best", id)).stdout).toBe("No trial has completed yet.\n");

  await api("POST", `/studies/${id}/ask`);
  await api("POST", `/studies/${id}/trials/0/tell`, { attempt: 1, values: { accuracy: 0.97 } });
  const shown = await study("show", id);
  expect(shown.stdout).toContain(
    `${id}  running\n1 of 3 trials done (0 failed, 0 pruned), 0 running, 0 queued`,
  );
  expect(shown.stdout).toContain('best: trial 0  {"accuracy":0.97}');
  expect(JSON.parse((await study("best", id, "--json")).stdout).trials).toMatchObject([{ number: 0 }]);
  expect((await study("export", id)).stdout).toMatch(/^number,state,.*\r\n0,completed,1,/);
  expect(JSON.parse((await study("export", id, "--format", "json")).stdout).trials).toHaveLength(1);

  expect((await study("delete", id)).code).toBe(1);
  expect((await study("show", id)).code).toBe(0);
  expect((await study("delete", id, "--yes")).stdout).toBe(`Study ${id} deleted.\n`);
  expect((await study("show", id)).stderr).toContain("Study not found (404)");
});

test("the Pareto set of two objectives is a table with the limits, sorted by the first objective", async () => {
  const id = await create({
    objectives: [
      { metric: "accuracy", direction: "maximize" },
      { metric: "ms", direction: "minimize" },
    ],
    outcomes: [
      { metric: "ms", max: 50 },
      { metric: "size", min: 1, max: 9 },
    ],
    budget: { trials: 40 },
  });
  const told = async (number: number, accuracy: number, ms: number, size = 5) => {
    await api("POST", `/studies/${id}/ask`);
    const values = { accuracy, ms, size };
    await api("POST", `/studies/${id}/trials/${number}/tell`, { attempt: 1, values });
  };
  expect((await study("best", id)).stdout).toBe("No trial has completed yet.\n");
  await told(0, 0.99, 51);
  for (const command of ["best", "show"]) {
    expect((await study(command, id)).stdout).toContain("No completed trial is within the limits");
  }
  await told(1, 0.5, 1 / 3);
  await told(2, 0.9, 20);
  await told(3, 0.8, 21);
  const { stdout } = await study("best", id);
  const [header, ...rows] = stdout.trimEnd().split("\n");
  expect(header).toBe(
    "trial  accuracy (maximize)  ms (minimize, at most 50)  size (at least 1, at most 9)  params",
  );
  expect(rows.map((row) => row.split(/ {2,}/).slice(0, 4))).toEqual([
    ["2", "0.9", "20", "5"],
    ["1", "0.5", "0.333333", "5"],
  ]);
  expect(rows[0]).toMatch(/ {2}\{"C":[\d.]+,"gamma":[\d.]+\}$/);
  const shown = (await study("show", id)).stdout;
  expect(shown).toContain(`Pareto set (the full table: hone study best ${id}):\n${stdout}`);
  expect(JSON.parse((await study("best", id, "--json")).stdout).trials).toMatchObject([
    { number: 1, values: { ms: 1 / 3 } },
    { number: 2 },
  ]);

  for (let number = 4; number < 24; number++) await told(number, 0.5 + number / 100, 1 + number / 2);
  const many = (await study("show", id)).stdout;
  expect(many).toMatch(/^and 12 more$/m);
  expect((await study("best", id)).stdout.trimEnd().split("\n")).toHaveLength(1 + 22);
});

test("races are shown with who was run on which instance and who left, the last one in full", async () => {
  const id = await create({
    algorithm: { name: "irace", seed: 1, test: "t-test", firstTest: 2 },
    evaluation: { type: "instances", names: ["left", "right", "top", "bottom"] },
    budget: { trials: 80 },
  });
  expect((await study("races", id)).stdout).toBe("No race has begun.\n");
  for (let open = true; open; ) {
    const asked = await api<{ trials: LeasedTrial[] }>("POST", `/studies/${id}/ask`, { count: 50 });
    const { trials } = asked.body;
    for (const { number, attempt, params, instance = 0 } of trials) {
      const values = { accuracy: Math.log10(Number(params.C)) + instance };
      await api("POST", `/studies/${id}/trials/${number}/tell`, { attempt, values });
    }
    open = trials.length > 0;
  }
  const whole = (await study("races", id)).stdout;
  const { races } = JSON.parse((await study("races", id, "--json")).stdout) as { races: Race[] };
  expect(whole.match(/race \d|final race/g)).toHaveLength(races.length);
  const [first] = races;
  expect(whole).toMatch(new RegExp(`^  left +${first?.steps[0]?.alive} +${first?.steps[0]?.best}$`, "m"));
  expect(whole).toContain(`survivors, best first: ${first?.survivors.slice(0, 8).join(", ")}`);
  const shown = (await study("show", id)).stdout;
  expect(shown).toContain(
    `race 1: ${first?.steps[0]?.alive} configurations on ${first?.steps.length} instances`,
  );
  expect(shown).toContain("mean of 4, standard error accuracy");
  expect((await study("export", id)).stdout).toMatch(
    /^number,state,attempt,configuration,instance,instanceName,seed,iteration,.*\r\n0,completed,1,0,0,left,\d+,1,/,
  );
});

test("all studies are listed, over several pages", async () => {
  for (let i = 0; i < 4; i++) await create();
  const { studies } = JSON.parse((await study("list", "--json")).stdout);
  expect(studies.length).toBeGreaterThanOrEqual(4);
});

test("a batch study is created from standard input, started and stopped", async () => {
  const input = JSON.stringify(studyBody({ executor: batchExecution, budget: { trials: 4, parallel: 2 } }));
  const { stdout } = await hone(["study", "create", "-f", "-", "--json"], access, { input });
  const id = JSON.parse(stdout).study as string;
  expect(JSON.parse((await study("start", id, "--json")).stdout).started).toBe(true);
  expect(JSON.parse((await study("stop", id, "--drain", "--json")).stdout).started).toBe(false);
});

test("a study is started as soon as it is created, and one that Hone does not run says that it was created", async () => {
  const of = (change: object) => ({ input: JSON.stringify(studyBody(change)) });
  const args = ["study", "create", "-f", "-", "--start"];
  const batch = await hone(
    [...args, "--json"],
    access,
    of({ executor: batchExecution, budget: { trials: 4 } }),
  );
  expect(JSON.parse(batch.stdout)).toMatchObject({ started: true });
  const own = await hone(args, access, of({}));
  expect(own.code).toBe(1);
  const [, id = ""] = /(svm-digits-\S+) was created but not started\. /.exec(own.stderr) ?? [];
  expect((await study("show", id)).code).toBe(0);
});

test("every error in a study is shown with its JSON pointer", async () => {
  const input = JSON.stringify({ ...studyBody(), space: { x: { type: "float", low: 1 } }, nmae: 1 });
  const { code, stderr } = await hone(["study", "create", "-f", "-"], access, { input });
  expect(code).toBe(1);
  expect(stderr).toContain(
    "A field is not valid (422)\n  /space/x/high: This field is missing; a number is expected.",
  );
  expect(stderr).toContain('/nmae: There is no field "nmae" here. Did you mean "name"?');
  const json = await hone(["study", "create", "-f", "-", "--json"], access, { input });
  expect(JSON.parse(json.stdout)).toMatchObject({ type: "invalid-input", status: 422 });
  expect((await study("create", "-f", "/no/such/file")).stderr).toContain("/no/such/file");
});

test.each([
  ["a key twice", '{"name": "first", "name": "second"}', "/name: "],
  ["an integer that would be rounded", '{"budget": {"trials": 9007199254740993}}', "/budget/trials: "],
  ["NaN", '{"a": NaN}', '"nan"'],
  ["a comment", '{"a": 1 /* b */}', "line 1"],
  ["Latin-1", Buffer.from('{"name": "M\xfc"}', "latin1"), "encoded data was not valid"],
])("a file with %s is refused as the API refuses it, and nothing is sent", async (_, text, said) => {
  const file = join(mkdtempSync(join(tmpdir(), "hone-cli-")), "study.json");
  writeFileSync(file, text);
  const { code, stderr } = await study("create", "-f", file);
  expect(code).toBe(1);
  expect(stderr).toContain(`${file}: `);
  expect(stderr).toContain(said);
});

test("an argument stays one segment of the path", async () => {
  expect((await study("show", "../tokens")).stderr).toContain("(404)");
});

test("what the environment lacks is read from the local stack's file, and what is missing is named", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "hone-cli-"));
  expect((await hone(["study", "list"], {}, { cwd })).stderr).toContain(
    "Set HONE_API, HONE_TEAM, HONE_TOKEN",
  );
  mkdirSync(join(cwd, ".hone"));
  const local = { api: access.HONE_API, team: TEAM, token: access.HONE_TOKEN, pid: 1 };
  writeFileSync(join(cwd, ".hone/local.json"), JSON.stringify(local));
  expect((await hone(["study", "list"], {}, { cwd })).code).toBe(0);
  const other = await hone(["study", "list"], { HONE_TEAM: "other-team" }, { cwd });
  expect(other.stderr).toContain("(404)");
});

test("an API that does not answer is a one-line error", async () => {
  const { code, stderr } = await hone(["study", "list"], { ...access, HONE_API: "http://127.0.0.1:9/v1" });
  expect(code).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain("does not answer");
});

test("exports of several pages are one table, or one document", async () => {
  const space = { x: { type: "categorical", choices: ["x".repeat(256), "y"] } };
  const id = await create({ space });
  const trials = Array.from({ length: 500 }, () => ({
    params: { x: "x".repeat(256) },
    values: { accuracy: 1 / 3 },
  }));
  for (let i = 0; i < 20; i++) await api("POST", `/studies/${id}/trials`, { trials });
  const first = await api("GET", `/studies/${id}/export`);
  expect(first.body).toMatchObject({ cursor: expect.any(String) });
  const csv = (await study("export", id)).stdout.trimEnd().split("\r\n");
  const numbers = Array.from({ length: 10_000 }, (_, i) => i);
  expect(csv[0]).toMatch(/^number,state/);
  expect(csv.slice(1).map((row) => Number(row.split(",")[0]))).toEqual(numbers);
  const json = JSON.parse((await study("export", id, "--format", "json")).stdout) as TrialPage;
  expect(json.trials.map(({ number }) => number)).toEqual(numbers);
  expect(json.cursor).toBeNull();
});

test("the schedule of a population's best run is shown, and printed as JSON", async () => {
  const id = await create({
    algorithm: { name: "pbt", population: 2, seed: 1 },
    scheduler: { resource: { name: "epoch", min: 2, max: 4 } },
    budget: { trials: 4 },
  });
  for (const [number, accuracy] of [0.5, 0.6, 0.8, 0.9].entries()) {
    await api("POST", `/studies/${id}/ask`);
    const told = { attempt: 1, values: { accuracy }, checkpoint: `mine/${number}` };
    await api("POST", `/studies/${id}/trials/${number}/tell`, told);
  }
  const { trials } = JSON.parse((await study("schedule", id)).stdout);
  expect(trials.map(({ from, to }: { from: number; to: number }) => [from, to])).toEqual([
    [0, 2],
    [2, 4],
  ]);
  const shown = (await study("show", id)).stdout;
  expect(shown).toContain("schedule of the best run:");
  expect(shown).toMatch(new RegExp(`2-4 +${trials[1].number} +accuracy 0.9`));
  const first = JSON.parse((await study("schedule", id, "--trial", "0")).stdout);
  expect(first.trials).toHaveLength(1);
});
