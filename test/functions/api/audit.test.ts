import fc from "fast-check";
import { expect, test } from "vitest";
import { isAudited, type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import type { AuditExport, AuditPage } from "../../../shared/schemas/audit.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { CreatedToken } from "../../../shared/schemas/token.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import { commit } from "../../../shared/service/core/commit.ts";
import { loadStudy } from "../../../shared/service/core/load.ts";
import { patchStudy } from "../../../shared/service/studies/patch.ts";
import { FakeCheckpoints } from "../../support/checkpoints.ts";
import { createTestTable } from "../../support/emulator.ts";
import { Crash, injectFaults } from "../../support/faults.ts";
import { gateway } from "../../support/gateway.ts";
import { noReceipt, studyBody, testDeps } from "../../support/service.ts";

/** The audit trail as an owner sees it over HTTP. */
const { client, tableName } = await createTestTable();
const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
const checkpoints = new FakeCheckpoints();
const deps = testDeps(client, tableName, clock, { checkpoints });
const call = gateway(deps);

let teams = 0;
/** A team of its own with an owner's token. */
const newTeam = async () => {
  const team = `audited-${teams++}`;
  await createTeam(deps, team);
  const { id, token } = await createToken(
    deps,
    team,
    { name: "owner", role: "owner", days: 366 },
    "admin",
    noReceipt,
  );
  const send = <T>(method: string, path: string, body?: unknown, key?: string) =>
    call<T>(method, `/v1/teams/${team}${path}`, {
      token,
      ...(body !== undefined && { body }),
      ...(key !== undefined && { headers: { "idempotency-key": key } }),
    });
  const read = async (query = "") => (await send<AuditPage>("GET", `/audit${query}`)).body;
  const create = async () => (await send<Study>("POST", "/studies", studyBody())).body.study;
  return { team, id, token, send, read, create };
};
const acme = await newTeam();

test("a write leaves a line: who, what, when, from which request and address", async () => {
  const { send, read, id, create } = await newTeam();
  const study = await create();
  clock.now += 1000;
  await send("PATCH", `/studies/${study}`, { budget: { trials: 80 }, state: "paused" });
  const { lines, cursor } = await read();
  expect(cursor).toBeNull();
  expect(lines).toEqual([
    {
      time: new Date(clock.now).toISOString(),
      who: { kind: "token", id },
      route: "patchStudy",
      targets: [`study/${study}`],
      fields: ["state=paused", "budget.trials=80"],
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      address: "127.0.0.1",
    },
    expect.objectContaining({ route: "createStudy", targets: [`study/${study}`] }),
  ]);
});

test("what a request creates is named, and a deleted study's lines stay", async () => {
  const { send, read, create } = await newTeam();
  const { body } = await send<CreatedToken>("POST", "/tokens", { name: "nightly", role: "worker", days: 3 });
  const study = await create();
  clock.now += 1;
  await send("DELETE", `/studies/${study}`);
  await send("DELETE", `/tokens/${body.id}`);
  const { lines } = await read();
  const of = (route: string) => lines.find((line) => line.route === route);
  expect(lines).toHaveLength(4);
  expect(of("createToken")).toMatchObject({
    targets: [`token/${body.id}`],
    fields: ["name=nightly", "role=worker", "days=3"],
  });
  expect(of("deleteToken")).toMatchObject({ targets: [`token/${body.id}`], fields: [] });
  expect(of("deleteStudy")).toMatchObject({ targets: [`study/${study}`] });
});

test("what changes nothing, is refused, repeated or only read leaves no line; nor does the work of workers", async () => {
  const { send, read, create, team, token } = await newTeam();
  const first = await send<Study>("POST", "/studies", studyBody(), "once");
  const again = await send<Study>("POST", "/studies", studyBody(), "once");
  expect(again.body).toEqual(first.body);
  const { study } = first.body;
  await send("POST", "/studies", {});
  const viewer = await createToken(deps, team, { name: "viewer", role: "viewer" }, "admin", noReceipt);
  expect((await call("DELETE", `/v1/teams/${team}/studies/${study}`, { token: viewer.token })).status).toBe(
    403,
  );
  await send("POST", `/studies/${study}/ask`, {});
  const told = { attempt: 1, values: { accuracy: 0.5 } };
  await send("POST", `/studies/${study}/trials/0/heartbeat`, { attempt: 1 });
  await send("POST", `/studies/${study}/trials/0/report`, { ...told, step: 1 });
  await send("POST", `/studies/${study}/trials/0/tell`, told);
  await call("GET", `/v1/teams/${team}/studies/${study}`, { token });
  expect((await read()).lines.map(({ route }) => route)).toEqual(["createStudy"]);
  clock.now += 1;
  const other = await create();
  expect((await read()).lines.map(({ targets }) => targets)).toEqual([
    [`study/${other}`],
    [`study/${study}`],
  ]);
});

test("every route that writes is audited, but for the work of trials", () => {
  const writes = (Object.entries(routes) as [RouteName, Route][]).filter(
    ([, { method }]) => method !== "GET",
  );
  const not = writes.filter(([, route]) => !isAudited(route)).map(([name]) => name);
  expect(not.sort()).toEqual(["ask", "checkpoint", "claim", "heartbeat", "report", "tell"]);
});

test("a change is written with its line or not at all, wherever its process dies; a repeat adds none", async () => {
  const { team, read, create } = await newTeam();
  const id = await create();
  const audit = {
    team,
    who: { kind: "token", id: "abc" },
    route: "patchStudy",
    requestId: "request-1",
    address: null,
    targets: [`study/${id}`],
    fields: [],
    days: 400,
  } as const;
  for (const fault of ["crash-before", "crash-after", "lost-reply"] as const) {
    const receipt = { id: `key-${fault}`, body: "same", study: id };
    const trials = { "crash-before": 41, "crash-after": 42, "lost-reply": 43 }[fault];
    const patch = (process = testDeps(client, tableName, clock)) =>
      loadStudy(process, team, id).then((study) =>
        patchStudy(
          process,
          study,
          { budget: { trials } },
          { receipt, audit: { ...audit, requestId: fault } },
        ),
      );
    let isHit = false;
    injectFaults(client, (command) => {
      if (command !== "TransactWriteItemsCommand" || isHit) return "none";
      isHit = true;
      return fault;
    });
    await patch().catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
    injectFaults(client, () => "none");
    clock.now += 5;
    const before = (await read()).lines.filter(({ requestId }) => requestId === fault).length;
    expect(before).toBe(fault === "crash-before" ? 0 : 1);
    await patch();
    expect((await read()).lines.filter(({ requestId }) => requestId === fault)).toHaveLength(1);
  }
});

test("lines are found by study, by who and by time, and pages hold each of them once", async () => {
  const { send, read, create, id, team } = await newTeam();
  const editor = await createToken(deps, team, { name: "editor", role: "editor" }, "admin", noReceipt);
  const studies: string[] = [];
  const began = clock.now;
  for (let i = 0; i < 7; i++) {
    // Over the end of a month, twice.
    clock.now += 9 * 24 * 3600 * 1000;
    studies.push(await create());
    await call("PATCH", `/v1/teams/${team}/studies/${studies[i]}`, {
      token: editor.token,
      body: { state: "paused" },
    });
  }
  const of = async (query: string) => (await read(query)).lines.length;
  expect(await of("")).toBe(14);
  expect(await of(`?study=${studies[3]}`)).toBe(2);
  expect(await of(`?who=${editor.id}`)).toBe(7);
  expect(await of(`?who=${id}&study=${studies[3]}`)).toBe(1);
  const at = (days: number) => new Date(began + days * 24 * 3600 * 1000).toISOString();
  expect(await of(`?from=${at(18)}`)).toBe(12);
  expect(await of(`?to=${at(18)}`)).toBe(4);
  expect(await of(`?from=${at(18)}&to=${at(27)}`)).toBe(4);
  expect(await of(`?from=${at(19)}&to=${at(26)}`)).toBe(0);
  expect(await of(`?from=${at(26)}&to=${at(19)}`)).toBe(0);
  expect(await of("?to=0001-01-01T00:00:00Z")).toBe(0);
  expect(await of("?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z")).toBe(14);
  const { cursor: old } = await read("?limit=13");
  expect(await of(`?from=${at(60)}&cursor=${old}`)).toBe(0);
  const all = (await read("")).lines;
  for (const limit of [1, 3, 14]) {
    const seen: AuditPage["lines"] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page = await read(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.lines);
      cursor = page.cursor;
    }
    expect(seen).toEqual(all);
  }
  const { cursor } = await read("?limit=3");
  expect((await send("GET", `/audit?limit=3&cursor=${cursor}&who=${id}`)).body).toMatchObject({
    status: 422,
  });
  expect((await acme.send("GET", `/audit?limit=3&cursor=${cursor}`)).body).toMatchObject({ status: 422 });
});

test("an export holds the month's lines, and its cursor leads through all of them", async () => {
  const { send, create, read } = await newTeam();
  clock.now = Date.parse("2027-06-30T23:59:59.000Z");
  const june = await create();
  clock.now = Date.parse("2027-07-01T00:00:00.000Z");
  await create();
  const { body } = await send<AuditExport>("POST", "/audit/export", { month: "2027-06" });
  expect(body).toMatchObject({ lines: 1, cursor: null });
  const { lines } = await read(`?study=${june}`);
  expect(checkpoints.texts.get(body.key)).toBe(`${JSON.stringify(lines[0])}\n`);
  expect(body.url).toContain(body.key);
  const empty = await send<AuditExport>("POST", "/audit/export", { month: "2027-05" });
  expect(empty.body).toMatchObject({ lines: 0, cursor: null });
});

test("lines are gone after their time, whether or not DynamoDB has deleted them", async () => {
  const { read, create, team, token } = await newTeam();
  const brief = gateway({ ...deps, auditDays: 10 });
  await brief("POST", `/v1/teams/${team}/studies`, { token, body: studyBody() });
  const kept = await create();
  clock.now += 10 * 24 * 3600 * 1000 - 1000;
  expect((await read()).lines).toHaveLength(2);
  clock.now += 1000;
  expect((await read()).lines.map(({ targets }) => targets)).toEqual([[`study/${kept}`]]);
});

test("owners alone read it, and no other team's", async () => {
  const { token } = await createToken(deps, acme.team, { name: "ed", role: "editor" }, "admin", noReceipt);
  for (const [method, path, body] of [
    ["GET", "/audit", undefined],
    ["POST", "/audit/export", { month: "2026-11" }],
  ] as const) {
    const refused = await call(method, `/v1/teams/${acme.team}${path}`, { token, body });
    expect(refused.status).toBe(403);
    const other = await newTeam();
    expect((await call(method, `/v1/teams/${acme.team}${path}`, { token: other.token, body })).status).toBe(
      404,
    );
  }
});

test("no text of a body is ever in a line, whatever the route", async () => {
  const { read, send, create } = await newTeam();
  const study = await create();
  const marker = "marker7f3a";
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...(Object.entries(routes) as [RouteName, Route][]).filter(([, r]) => isAudited(r))),
      fc.dictionary(
        fc.constantFrom("executor", "environment", "labels", "trials", "space", "evaluation", "constraints"),
        fc.constantFrom<unknown>(
          marker,
          [marker],
          { [marker]: marker },
          { type: "batch", command: [marker] },
        ),
      ),
      async ([name, route], body) => {
        if (name === "deleteStudy" || name === "deleteToken") return;
        await send(route.method, route.path.replace("{study}", study), body);
      },
    ),
    { numRuns: 40 },
  );
  expect(JSON.stringify(await read())).not.toContain(marker);
});

test("a request that finds nothing to change leaves no line", async () => {
  const { team, read, create } = await newTeam();
  const id = await create();
  const nothing = async () => ({ changes: [], answer: null });
  const audit = {
    team,
    who: { kind: "token", id: "abc" },
    route: "stop",
    requestId: "idle",
    address: null,
    targets: [`study/${id}`],
    fields: [],
    days: 400,
  } as const;
  await commit(deps, { receipt: null, audit }, nothing);
  expect((await read()).lines.map(({ route }) => route)).toEqual(["createStudy"]);
});
