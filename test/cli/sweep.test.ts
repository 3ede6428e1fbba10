import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { Firing, Sweep } from "../../shared/schemas/sweep.ts";
import { createTeam } from "../../shared/service/access/teams.ts";
import { createToken } from "../../shared/service/access/tokens.ts";
import { worldOn } from "../support/batch.ts";
import { hone } from "../support/cli.ts";
import { type Gateway, gateway } from "../support/gateway.ts";
import { createMemoryTable } from "../support/memory-table/client.ts";
import { serve } from "../support/serve.ts";
import { noReceipt, studyBody, TEAM } from "../support/service.ts";

/** Sweeps on the command line, with the API behind it and a table in this process. */
const root = join(import.meta.dirname, "../..");
const example = join(root, "examples/sweep.yaml");
let access: { HONE_API: string; HONE_TEAM: string; HONE_TOKEN: string };
let api: Gateway;

beforeEach(async () => {
  const { client, tableName } = createMemoryTable();
  const { deps } = await worldOn(client, tableName);
  await createTeam(deps, TEAM);
  const { token } = await createToken(deps, TEAM, { name: "cli", role: "owner" }, "admin", noReceipt);
  api = gateway(deps);
  const server = await serve(api);
  access = { HONE_API: server.api, HONE_TEAM: TEAM, HONE_TOKEN: token };
  return server.close;
});

const sweep = (...args: string[]) => hone(["sweep", ...args], access);
const json = async <T>(...args: string[]) => JSON.parse((await sweep(...args, "--json")).stdout) as T;
const call = <T>(method: string, path: string, body?: unknown) =>
  api<T>(method, `/v1/teams/${TEAM}${path}`, { token: access.HONE_TOKEN, body });
const file = (text: string, name = "sweep.yaml") => {
  const path = join(mkdtempSync(join(tmpdir(), "hone-sweep-")), name);
  writeFileSync(path, text);
  return path;
};
/** A sweep whose studies clients run. */
const create = async (change: object = {}) => {
  const body = { name: "nightly", schedule: { cron: "0 3 * * ? *" }, template: studyBody(), ...change };
  return (await json<Sweep>("create", "-f", file(JSON.stringify(body), "sweep.json"))).sweep;
};

test("the sweep of the examples is created, listed and shown", async () => {
  const created = await sweep("create", "-f", example);
  expect(created.stderr).toBe("");
  expect(created.stdout).toMatch(
    /^nightly-svm-[a-z0-9]{6} {2}active\ncron 0 3 \* \* \? \* Europe\/Berlin, next \d{4}-\d\d-\d\dT0[12]:00:00\.?0*Z\noverlap skip, begins with the last 3, keeps 30 studies\n0 firings\n$/,
  );
  const [id = ""] = created.stdout.split(" ");
  expect((await sweep("show", id)).stdout).toBe(created.stdout);
  expect((await sweep("list")).stdout).toMatch(
    new RegExp(`^${id} {2}active {2}next \\S+ {2}0 firings {2}cron 0 3 \\* \\* \\? \\* Europe/Berlin\\n$`),
  );
  expect((await json<Sweep>("show", id)).template.executor?.type).toBe("batch");
});

test("a team without sweeps, and a sweep without firings, are told so", async () => {
  expect((await sweep("list")).stdout).toBe("No sweeps yet.\n");
  expect((await sweep("firings", await create())).stdout).toBe("No firings yet.\n");
});

test("a sweep is run by hand, and its firings are put below each other", async () => {
  const id = await create();
  const first = await json<Firing>("run", id);
  expect(first).toMatchObject({ manual: true, outcome: "created", state: "running" });
  const second = (await sweep("run", id)).stdout;
  expect(second).toMatch(
    /^\S+Z {2}skipped by hand {2}The study \S+ of an earlier firing is not finished\.\n$/,
  );

  const study = `/studies/${first.study}`;
  await call("POST", `${study}/ask`);
  await call("POST", `${study}/trials/0/tell`, { attempt: 1, values: { accuracy: 1 / 3 } });
  const [head, skipped, created, ...more] = (await sweep("firings", id)).stdout.trimEnd().split("\n");
  expect(more).toEqual([]);
  expect(head).toMatch(/^firing +outcome +study +state +trials +best +reason$/);
  expect(skipped).toMatch(/^\S+Z {2}skipped by hand +The study \S+ of an earlier firing is not finished\.$/);
  expect(created).toMatch(new RegExp(`Z +created by hand +${first.study} +running +1 done +0\\.333333$`));
  const shown = (await sweep("show", id)).stdout;
  expect(shown).toContain("2 firings, the last one:\n");
  expect(await call<Study>("GET", study)).toMatchObject({ body: { sweep: id, firing: first.firing } });
  expect((await hone(["study", "show", first.study ?? ""], access)).stdout).toContain(
    `\ncreated by the sweep ${id}, firing ${first.firing}\n`,
  );
});

test("a sweep is paused, resumed and deleted; its studies stay", async () => {
  const id = await create({ schedule: { rate: { hours: 6 } }, overlap: "queue" });
  const { study } = await json<Firing>("run", id);
  const paused = (await sweep("pause", id)).stdout;
  expect(paused).toMatch(
    new RegExp(`^${id} {2}paused\nevery 6 hours\noverlap queue\n1 firing, the last one:\n`),
  );
  expect((await sweep("list")).stdout).toMatch(/ {2}paused {2}- {2}1 firing {2}every 6 hours\n$/);
  expect((await sweep("resume", id)).stdout).toMatch(
    new RegExp(`^${id} {2}active\nevery 6 hours, next \\S+Z\n`),
  );
  expect(await sweep("delete", id)).toMatchObject({
    code: 1,
    stderr: `This deletes ${id} and the record of its firings permanently; its studies stay. Add --yes.\n`,
  });
  expect((await sweep("delete", id, "--yes")).stdout).toBe(`Sweep ${id} deleted.\n`);
  expect((await sweep("show", id)).stderr).toContain("(404)");
  expect((await call("GET", `/studies/${study}`)).status).toBe(200);
});

test("a sweep that fires once says when", async () => {
  const id = await create({ schedule: { at: "2199-01-01T00:00", timezone: "Asia/Tokyo" } });
  expect((await sweep("show", id)).stdout).toContain(
    "once at 2199-01-01T00:00 Asia/Tokyo, next 2198-12-31T15:00:00.000Z\n",
  );
});

test("what the API refuses is told with its line in the file", async () => {
  const text = readFileSync(example, "utf8")
    .replace("0 3 * * ? *", "61 3 * * ? *")
    .replace("low: 0.01", "low: 5000")
    .replace("keep: 30", "kep: 30");
  const lineOf = (part: string) => text.split("\n").findIndex((line) => line.includes(part)) + 1;
  const unknown = await sweep("create", "-f", file(text));
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toContain(
    `A field is not valid (422)\n  line ${lineOf("kep:")}, /kep: There is no field "kep" here. Did you mean "keep"?`,
  );
  const cron = await sweep("create", "-f", file(text.replace("kep:", "keep:")));
  expect(cron.stderr).toContain(
    `\n  line ${lineOf("cron:")}, /schedule/cron: The minutes cannot be 61. Write 0 to 59, as in `,
  );
  const space = await sweep("create", "-f", file(text.replace("kep:", "keep:").replace("61 3", "0 3")));
  expect(space.stderr).toMatch(new RegExp(`\\n {2}line ${lineOf("low: 5000")}, /template/space/C/`));
  const missing = await sweep("create", "-f", file("name: nightly\n"));
  expect(missing.stderr).toContain("line 1, /schedule: This field is missing");
});

test("the file and the refusal that docs/sweeps.md shows are those of the example", async () => {
  const page = readFileSync(join(root, "docs/sweeps.md"), "utf8");
  const shown = (language: string) =>
    new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(page)?.[1] ?? "nothing";
  const text = readFileSync(example, "utf8");
  const withoutComments = (yaml: string) => yaml.replace(/ *#.*/g, "").trim();
  expect(withoutComments(text)).toContain(withoutComments(shown("yaml")));
  const refused = await sweep("create", "-f", file(text.replace("0 3 * * ? *", "61 3 * * ? *")));
  expect(refused.stderr).toContain(shown("text"));
});

test("a file that is no YAML is told with its line, and nothing is sent", async () => {
  const path = file("name: nightly\nschedule:\n  cron: */5 * * * ? *\n");
  const nowhere = { ...access, HONE_API: "http://127.0.0.1:1" };
  expect(await hone(["sweep", "create", "-f", path], nowhere)).toMatchObject({
    code: 1,
    stderr: `${path}, line 3: A text that begins with * needs quotes.\n`,
  });
});

test("a sweep comes from standard input too, and a missing file or option is named", async () => {
  const created = await hone(["sweep", "create", "-f", "-"], access, {
    input: readFileSync(example, "utf8"),
  });
  expect(created.stdout).toMatch(/^nightly-svm-/);
  expect((await sweep("create")).stderr).toBe("The option -f is missing: -f sweep.yaml\n");
  expect((await sweep("create", "-f", "/no/such/file")).stderr).toContain("/no/such/file");
});

test.each([
  ["docs/sweeps.md", /^Sweep nightly-svm-[a-z0-9]{6} deleted\.$/m],
  ["README.md", /^nightly-svm-[a-z0-9]{6} {2}active {2}next .* Europe\/Berlin$/m],
])("the commands of %s do what it says", async (page, last) => {
  const text = readFileSync(join(root, page), "utf8");
  const blocks = Array.from(text.matchAll(/^```sh\n(.*?)^```/gms), ([, block = ""]) => block);
  const [block = ""] = blocks.filter((one) => one.includes("sweep create"));
  expect(block).not.toBe("");
  const command = `hone() { '${process.execPath}' '${join(root, "cli/hone.ts")}' "$@"; }\n`;
  const { stdout } = await promisify(execFile)(
    "sh",
    ["-euc", command + block.replaceAll("npm run hone --", "hone")],
    {
      cwd: root,
      env: { PATH: process.env.PATH, ...access },
    },
  );
  expect(stdout).toMatch(last);
});
