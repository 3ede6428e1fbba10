import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { type Route, routes } from "../../../shared/api/routes.ts";
import type { Caller } from "../../../shared/auth/authorize.ts";
import type { Problem } from "../../../shared/schemas/problem.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { AskReply, Trial } from "../../../shared/schemas/trial.ts";
import { callerAs } from "../../support/callers.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway, type Request } from "../../support/gateway.ts";
import { studyBody, TEAM, testDeps } from "../../support/service.ts";

/** Invalid inputs, through the whole handler with a real table. */
const editor = callerAs("editor");

let call: Gateway;
let study: string;
const base = `/v1/teams/${TEAM}/studies`;

beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  call = gateway(testDeps(client, tableName));
  study = await create({ budget: { trials: 1000 } });
});

const create = async (change: object = {}) =>
  (await call<Study>("POST", base, { caller: editor, body: studyBody(change) })).body.study;
const post = (path: string, request: Request) =>
  call("POST", `${base}${path}`, { caller: editor, ...request });
const leased = async () => {
  const { body } = await call<AskReply>("POST", `${base}/${study}/ask`, { caller: editor });
  return body.trials[0]?.number ?? -1;
};
const tellText = (text: string) => `{"attempt": 1, "values": {"accuracy": ${text}}}`;

test("1: a bare NaN, as Python writes it, is a 400 that says what to send instead", async () => {
  const { status, body } = await post(`/${study}/trials/0/tell`, { body: tellText("NaN") });
  expect([status, body.type]).toEqual([400, "invalid-json"]);
  expect(body.detail).toContain('"nan"');
});

test('1: the string "nan" is a failed trial with a reason', async () => {
  const number = await leased();
  const { status, body } = await call("POST", `${base}/${study}/trials/${number}/tell`, {
    caller: editor,
    body: tellText('"nan"'),
  });
  expect(status).toBe(200);
  expect(body).toEqual({ number, state: "failed" });
  const trial = await call<Trial>("GET", `${base}/${study}/trials/${number}`, { caller: editor });
  expect(trial.body.reason).toContain("accuracy");
});

test("2: 1e999 is a 422 that points at the metric", async () => {
  const { status, body } = await post(`/${study}/trials/0/tell`, { body: tellText("1e999") });
  expect([status, body.type, body.pointer]).toEqual([422, "non-finite-metric", "/values/accuracy"]);
});

test.each(["1e20", "100000000000000000000", "1e300", "5e-324", "1.7976931348623157e308", "0.1", "-0"])(
  "3: %s is told and read back bit for bit",
  async (text) => {
    const number = await leased();
    const told = await post(`/${study}/trials/${number}/tell`, { body: tellText(text) });
    expect(told.status).toBe(200);
    const trial = await call<Trial>("GET", `${base}/${study}/trials/${number}`, { caller: editor });
    // -0 reads back as 0: the only exception, and documented.
    expect(Object.is(trial.body.values?.accuracy, Number(text) || 0)).toBe(true);
  },
);

test("4: an integer beyond 2^53 is a 422 that points at it", async () => {
  const body = '{"trials": [{"params": {"C": 9007199254740993, "gamma": 0.1}}]}';
  const reply = await post(`/${study}/trials`, { body });
  expect([reply.status, reply.body.type, reply.body.pointer]).toEqual([
    422,
    "unsafe-integer",
    "/trials/0/params/C",
  ]);
});

test("5: the same key twice is a 400", async () => {
  const { status, body } = await post(`/${study}/trials/0/tell`, {
    body: '{"attempt": 1, "values": {"accuracy": 1, "accuracy": 2}}',
  });
  expect([status, body.type, body.pointer]).toEqual([400, "invalid-json", "/values/accuracy"]);
});

test.each(["__proto__", "constructor", "prototype"])("6: a parameter named %s is a 422", async (name) => {
  const space = `{"${name}": {"type": "float", "low": 0, "high": 1}}`;
  const text = JSON.stringify(studyBody()).replace(/"space":\{.*?\}\}/, `"space":${space}`);
  const { status, body } = await post("", { body: text });
  expect([status, body.pointer]).toEqual([422, `/space/${name}`]);
});

test("7: 200,000 nested arrays are a 413", async () => {
  const { status, body } = await post("", { body: "[".repeat(200_000) });
  expect([status, body.type]).toEqual([413, "too-large"]);
});

test("8: a body above 256 KiB is a 413, in text and in base64, and is not parsed", async () => {
  const padded = (bytes: number) => `{"count": 1${" ".repeat(bytes - 12)}}`;
  expect((await post(`/${study}/ask`, { body: padded(256 * 1024) })).status).toBe(200);
  expect((await post(`/${study}/ask`, { body: padded(256 * 1024 + 1) })).status).toBe(413);
  const bytes = Buffer.from("[".repeat(257 * 1024));
  const headers = { "content-type": "application/json" };
  expect((await post(`/${study}/ask`, { bytes, headers })).status).toBe(413);
  expect((await post(`/${study}/ask`, { body: `"${"é".repeat(140_000)}"` })).status).toBe(413);
});

test("8: a compressed body is a 415, however small", async () => {
  const bytes = gzipSync(Buffer.alloc(10_000_000));
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  expect((await post(`/${study}/ask`, { bytes, headers })).status).toBe(415);
});

test("9: a byte order mark, UTF-16, broken UTF-8, half a surrogate and a NUL in a name are refused", async () => {
  const headers = { "content-type": "application/json" };
  const refused = async (bytes: Uint8Array) => (await post(`/${study}/ask`, { bytes, headers })).status;
  expect(await refused(Buffer.from('\ufeff{"count": 1}'))).toBe(400);
  expect(await refused(Buffer.from('\ufeff{"count": 1}', "utf16le"))).toBe(400);
  expect(await refused(Buffer.from([0x7b, 0xff, 0x7d]))).toBe(400);
  expect((await post(`/${study}/ask`, { body: '\ufeff{"count": 1}' })).status).toBe(400);
  // Latin-1, as API Gateway hands it over after decoding it as UTF-8; and the same character written in ASCII.
  const latin = Buffer.from('{"worker": "M\xfcller"}', "latin1").toString("utf8");
  expect((await post(`/${study}/ask`, { body: latin })).body).toMatchObject({
    status: 400,
    type: "invalid-json",
    detail: expect.stringContaining("UTF-8"),
  });
  const escaped = studyBody({ space: { x: { type: "categorical", choices: ["\ufffd", "a"] } } });
  const ascii = JSON.stringify(escaped).replace("\ufffd", "\\ufffd");
  expect((await post("", { body: ascii })).status).toBe(201);
  const worker = async (text: string) => (await post(`/${study}/ask`, { body: `{"worker": ${text}}` })).body;
  expect(await worker('"\\ud800"')).toMatchObject({ status: 422, pointer: "/worker" });
  expect(await worker('"w\\u0000"')).toMatchObject({ status: 422, pointer: "/worker" });
});

test.each([
  undefined,
  "",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/jsonp",
  "application/json; charset=utf-16",
  "application/json, text/plain",
])("10: the content type %j is a 415", async (type) => {
  const bytes = Buffer.from('{"count": 1}');
  const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
  expect((await post(`/${study}/ask`, { bytes, headers })).status).toBe(415);
});

test.each([
  "application/json",
  "Application/JSON; charset=UTF-8",
  'application/vnd.api+json; charset="utf-8"',
])("10: the content type %j is understood, in base64 too", async (type) => {
  const bytes = Buffer.from('{"count": 1, "worker": "base64"}');
  expect((await post(`/${study}/ask`, { bytes, headers: { "content-type": type } })).status).toBe(200);
});

test("10: an ask without a body and content type asks for one trial", async () => {
  const { status, body } = await call<AskReply>("POST", `${base}/${study}/ask`, { caller: editor });
  expect(status).toBe(200);
  expect(body.trials).toHaveLength(1);
});

test.each(["0", "-1", "1.5", "1e9", '""', '"1"', "null", "[]"])(
  "11: an ask for %s trials is a 422",
  async (count) => {
    const { status, body } = await post(`/${study}/ask`, { body: `{"count": ${count}}` });
    expect([status, body.pointer]).toEqual([422, "/count"]);
  },
);

const space = (x: object, more: object = {}) => ({ space: { x, ...more } });
test.each([
  ["low above high", space({ type: "float", low: 2, high: 1 }), /^\/space\/x\/(low|high)$/],
  [
    "a log scale from 0",
    space({ type: "float", low: 0, high: 1, scale: "log" }),
    /^\/space\/x\/(low|scale)$/,
  ],
  ["a step of 0", space({ type: "float", low: 0, high: 1, step: 0 }), /^\/space\/x\/step$/],
  ["no choices", space({ type: "categorical", choices: [] }), /^\/space\/x\/choices$/],
  ["an unknown type", space({ type: "real", low: 0, high: 1 }), /^\/space\/x\/type$/],
  ["no parameters", { space: {} }, /^\/space$/],
  [
    "a cycle of conditions",
    space(
      { type: "float", low: 0, high: 1, when: { y: { low: 0 } } },
      { y: { type: "float", low: 0, high: 1, when: { x: { low: 0 } } } },
    ),
    /^\/space\/[xy]\/when/,
  ],
  ["an unknown field", { budgets: { trials: 1 } }, /^\/budgets$/],
  ["a state that clients do not set", { state: "running" }, /^\/state$/],
  ["a budget of 0", { budget: { trials: 0 } }, /^\/budget\/trials$/],
  ["a negative budget", { budget: { trials: -1 } }, /^\/budget\/trials$/],
  ["a budget of 1e12", { budget: { trials: 1e12 } }, /^\/budget\/trials$/],
  ["a lease of 9 s", { lease: { seconds: 9 } }, /^\/lease\/seconds$/],
])("12, 30: a study with %s is a 422 that points at it", async (_, change, pointer) => {
  const { status, body } = await post("", { body: studyBody(change as object) });
  expect(status).toBe(422);
  expect(body.pointer).toMatch(pointer);
  expect(body.errors?.[0]?.detail).toBe(body.detail);
});

test("12: 1,001 parameters are a 422; 10,001 do not fit a body", async () => {
  const parameters = (n: number) =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, { type: "int", low: 0, high: 1 }]));
  const many = await post("", { body: studyBody({ space: parameters(1001) as never }) });
  expect([many.status, many.body.pointer]).toEqual([422, "/space"]);
  expect((await post("", { body: studyBody({ space: parameters(10_001) as never }) })).status).toBe(413);
});

test("13: an unknown trial, a trial of another study and a study of another team get the same reply", async () => {
  const other = await create();
  await call("POST", `${base}/${other}/ask`, { caller: editor, body: { count: 50 } });
  const tell = async (team: string, id: string, number: number) => {
    const path = `/v1/teams/${team}/studies/${id}/trials/${number}/tell`;
    const { body } = await call("POST", path, { caller: editor, body: tellText("1") });
    return { ...body, requestId: "", detail: body.detail.replace(id, "ID") } satisfies Problem;
  };
  const unknown = await tell(TEAM, study, 40_000);
  expect(unknown).toMatchObject({ status: 404, type: "trial-not-found" });
  expect(await tell(TEAM, study, 40_000)).toEqual(unknown);
  const missing = await tell(TEAM, "no-such-study", 0);
  expect(missing).toMatchObject({ status: 404, type: "study-not-found" });
  expect(await tell("other-team", study, 0)).toMatchObject({ status: 404, type: "not-found" });
  expect(await tell("other-team", "no-such-study", 0)).toEqual(await tell("other-team", study, 0));
});

test("14, 15, 16: the same tell again is a 200, another a 409, a stale attempt a 409", async () => {
  const number = await leased();
  const tell = (body: object) => post(`/${study}/trials/${number}/tell`, { body });
  const first = await tell({ attempt: 1, values: { accuracy: 0.5 } });
  expect(first).toMatchObject({ status: 200, body: { number, state: "completed" } });
  expect((await tell({ attempt: 1, values: { accuracy: 0.5 } })).body).toEqual(first.body);
  expect((await tell({ attempt: 1, values: { accuracy: 0.6 } })).body).toMatchObject({
    status: 409,
    type: "already-told",
    retry: false,
  });
  expect((await tell({ attempt: 2, values: { accuracy: 0.5 } })).body).toMatchObject({
    status: 409,
    type: "stale-attempt",
    retry: false,
  });
  const trial = await call<Trial>("GET", `${base}/${study}/trials/${number}`, { caller: editor });
  expect(trial.body.values).toEqual({ accuracy: 0.5 });
});

test("17: of fifty concurrent tells one is applied, and the others get the same reply or a 409", async () => {
  const number = await leased();
  const values = Array.from({ length: 50 }, (_, i) => i % 2);
  const replies = await Promise.all(
    values.map((accuracy) =>
      post(`/${study}/trials/${number}/tell`, { body: { attempt: 1, values: { accuracy } } }),
    ),
  );
  const trial = await call<Trial>("GET", `${base}/${study}/trials/${number}`, { caller: editor });
  const winner = trial.body.values?.accuracy;
  for (const [i, { status, body }] of replies.entries()) {
    if (values[i] === winner) expect(status).toBe(200);
    else expect([status, body.type]).toEqual([409, "already-told"]);
  }
});

test("18: a key with the same body replays, with another body is a 422, and a broken key is a 400", async () => {
  const key = { "idempotency-key": "one-key" };
  const first = await call<AskReply>("POST", `${base}/${study}/ask`, {
    caller: editor,
    body: '{"count": 2, "worker": "keyed"}',
    headers: key,
  });
  expect(first.body.trials).toHaveLength(2);
  const reordered = '{ "worker": "keyed", "count": 2 }';
  const again = await call<AskReply>("POST", `${base}/${study}/ask`, {
    caller: editor,
    body: reordered,
    headers: key,
  });
  expect(again.body).toEqual(first.body);
  const other = await post(`/${study}/ask`, { body: { count: 3 }, headers: key });
  expect([other.status, other.body.type]).toEqual([422, "key-reuse"]);
  for (const bad of ["k".repeat(256), "two words", "ключ", "", "\u007f"]) {
    const { status, body } = await post(`/${study}/ask`, { body: {}, headers: { "idempotency-key": bad } });
    expect([status, body.type], bad).toEqual([400, "invalid-key"]);
  }
  const longest = await post(`/${study}/ask`, { body: {}, headers: { "idempotency-key": "k".repeat(255) } });
  expect(longest.status).toBe(200);
});

test("18: a key belongs to its caller, method and path", async () => {
  const headers = { "idempotency-key": "shared" };
  const numbers = new Set<number>();
  const callers: Caller[] = [editor, { ...editor, id: "bbbbbbbbbbbb" }];
  for (const caller of callers) {
    const { body } = await call<AskReply>("POST", `${base}/${study}/ask`, { caller, headers });
    for (const trial of body.trials) numbers.add(trial.number);
  }
  expect(numbers.size).toBe(2);
  const elsewhere = await call<AskReply>("POST", `${base}/${await create()}/ask`, {
    caller: editor,
    headers,
  });
  expect(elsewhere.body.trials[0]?.number).toBe(0);
});

test("18: twenty concurrent requests with the same key make one trial", async () => {
  const fresh = await create();
  const replies = await Promise.all(
    Array.from({ length: 20 }, () =>
      call<AskReply | Problem>("POST", `${base}/${fresh}/ask`, {
        caller: editor,
        headers: { "idempotency-key": "at-once" },
      }),
    ),
  );
  for (const { status, body, headers } of replies) {
    if (status === 200) expect(body).toEqual(replies.find((reply) => reply.status === 200)?.body);
    else {
      expect(body).toMatchObject({ status: 409, type: "in-progress", retry: true });
      expect(headers["retry-after"]).toBe("1");
    }
  }
  const { body } = await call<Study>("GET", `${base}/${fresh}`, { caller: editor });
  expect(body.trials.running).toBe(1);
});

test.each<[string, string, object, string]>([
  ["gradients without what they are of", "tell", { gradients: { C: 1 } }, "/gradients/metric"],
  ["values and a failure", "tell", { failed: { reason: "x" } }, "/values"],
  [
    "a failure and a pruning",
    "tell",
    { values: undefined, failed: { reason: "x" }, pruned: { reason: "x" } },
    "/values",
  ],
  ["values of a trial that is given back", "tell", { released: { reason: "x" } }, "/values"],
  [
    "a failure that is given back",
    "tell",
    { values: undefined, failed: { reason: "x" }, released: { reason: "x" } },
    "/values",
  ],
  ["a trial given back without a reason", "tell", { values: undefined, released: {} }, "/released/reason"],
  ["nothing", "tell", { values: undefined }, "/values"],
  ["a pruning without a reason", "tell", { pruned: {} }, "/pruned/reason"],
  [
    "a pruning without the objective",
    "tell",
    { values: { loss: 1 }, pruned: { reason: "x" } },
    "/values/accuracy",
  ],
])("a tell with %s is a 422 that names the field", async (_, route, change, pointer) => {
  const number = await leased();
  const body = { attempt: 1, values: { accuracy: 1 }, ...change };
  const reply = await post(`/${study}/trials/${number}/${route}`, { body });
  expect([reply.status, reply.body.pointer]).toEqual([422, pointer]);
  const trial = await call<Trial>("GET", `${base}/${study}/trials/${number}`, { caller: editor });
  expect(trial.body.state).toBe("running");
});

test("limits of spending on a client study are a 422, when it is created and when it is changed", async () => {
  const budget = { trials: 3, dollars: 1 };
  const created = await post("", { body: studyBody({ budget }) });
  expect([created.status, created.body.pointer]).toEqual([422, "/budget/dollars"]);
  expect(created.body.detail).toContain("Leave it out");
  const patched = await call("PATCH", `${base}/${study}`, {
    caller: editor,
    body: { budget: { gpuHours: 1 } },
  });
  expect([patched.status, patched.body.pointer]).toEqual([422, "/budget/gpuHours"]);
  const nothing = await call("PATCH", `${base}/${study}`, { caller: editor, body: { budget: {} } });
  expect([nothing.status, nothing.body.pointer]).toEqual([422, "/budget"]);
});

test("an invalid query is a 422 that points at the parameter", async () => {
  const get = (query: string) => call("GET", `${base}/${study}/trials?${query}`, { caller: editor });
  expect((await get("limit=0")).body).toMatchObject({ status: 422, pointer: "/limit" });
  expect((await get("limit=")).body).toMatchObject({ status: 422, pointer: "/limit" });
  expect((await get("limit=1e9")).body).toMatchObject({ status: 422, pointer: "/limit" });
  expect((await get("limit=1&limit=2")).body).toMatchObject({ status: 422, pointer: "/limit" });
  expect((await get("state=done")).body).toMatchObject({ status: 422, pointer: "/state" });
  expect((await get("lmit=1")).body).toMatchObject({ status: 422, pointer: "/lmit" });
  for (const limit of ["0x10", "1e2", "+5", "5.0", "%205", "0b11", "5n", "1001", "9".repeat(400)]) {
    expect((await get(`limit=${limit}`)).body, limit).toMatchObject({ status: 422, pointer: "/limit" });
  }
  expect((await get("limit=1000")).status).toBe(200);
});

test("a forged cursor is a 422 on every list", async () => {
  const owner: Caller = { ...editor, role: "owner" };
  const team = `/v1/teams/${TEAM}`;
  const forged = ["", "0", "5", "svm-1", "%F0%9F%98%80", "%00", "c".repeat(1025), "%E2%82%AC".repeat(300)];
  for (const list of ["/studies", "/tokens", `/studies/${study}/trials`]) {
    for (const cursor of forged) {
      const { body } = await call("GET", `${team}${list}?cursor=${cursor}`, { caller: owner });
      expect(body, `${list} ${cursor}`).toMatchObject({ status: 422, pointer: "/cursor" });
    }
  }
});

test("a cursor is valid for its own list only, and not when a letter of it is changed", async () => {
  const { body } = await call<{ cursor: string }>("GET", `${base}/${study}/trials?limit=1`, {
    caller: editor,
  });
  const { cursor } = body;
  const read = async (list: string, given: string) =>
    (await call("GET", `${list}?cursor=${given}`, { caller: editor })).status;
  expect(await read(`${base}/${study}/trials`, cursor)).toBe(200);
  expect(await read(base, cursor)).toBe(422);
  expect(await read(`${base}/${await create()}/trials`, cursor)).toBe(422);
  for (let i = 0; i < cursor.length; i++) {
    const changed = `${cursor.slice(0, i)}${cursor[i] === "A" ? "B" : "A"}${cursor.slice(i + 1)}`;
    expect(await read(`${base}/${study}/trials`, changed), changed).toBe(422);
  }
});

test("an unknown query parameter is a 422 on every route, those without a query included", async () => {
  const owner: Caller = { ...editor, role: "owner" };
  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = `/v1/teams/${TEAM}${route.path}`
      .replace("{study}", study)
      .replace("{number}", "0")
      .replace("{token}", "abcdefghijkl")
      .replace("{member}", "ann")
      .replace("{grant}", "0123456789abcdef01234567")
      .replace("{sweep}", "nightly-abcdef");
    const { body } = await call(route.method, `${path}?color=blue`, { caller: owner });
    expect(body, name).toMatchObject({ status: 422, type: "invalid-input", pointer: "/color" });
  }
});

test("a body where none is expected is refused", async () => {
  const { status, body } = await post(`/${study}/start`, { body: { drain: true } });
  expect([status, body.pointer]).toEqual([422, "/drain"]);
});

test("30: the 301st study within a minute is a 429 with Retry-After", async () => {
  const { client, tableName } = await createTestTable();
  const clock = { now: Date.UTC(2026, 0, 1, 0, 0, 48) };
  const deps = testDeps(client, tableName, clock);
  const busy = gateway(deps);
  await deps.store.transact([
    {
      name: "minute",
      key: { pk: `TEAM#${TEAM}`, sk: `MINUTE#${Math.floor(clock.now / 60_000)}` },
      put: { creations: 299 },
    },
  ]);
  const attempt = () => busy("POST", base, { caller: editor, body: studyBody() });
  expect((await attempt()).status).toBe(201);
  const refused = await attempt();
  expect(refused.body).toMatchObject({ status: 429, type: "rate-limited", retry: true, retryAfter: 12 });
  expect(refused.headers["retry-after"]).toBe("12");
  clock.now += 12_000;
  expect((await attempt()).status).toBe(201);
});

test("30: a team has at most 10,000 studies, and one less when one is deleted", async () => {
  const { client, tableName } = await createTestTable();
  const deps = testDeps(client, tableName);
  const full = gateway(deps);
  await deps.store.transact([
    { name: "team", key: { pk: `TEAM#${TEAM}`, sk: "TEAM" }, put: { studies: 9_999 } },
  ]);
  const attempt = () => full<Study>("POST", base, { caller: editor, body: studyBody() });
  const last = await attempt();
  expect(last.status).toBe(201);
  expect((await attempt()).body).toMatchObject({ status: 429, type: "rate-limited" });
  expect((await full("DELETE", `${base}/${last.body.study}`, { caller: editor })).status).toBe(204);
  expect((await attempt()).status).toBe(201);
});
