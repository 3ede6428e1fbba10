import { expect, test } from "vitest";
import { algorithms } from "../../../../shared/optimizer/registry.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { listStudies } from "../../../../shared/service/studies/list.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { findHead } from "../../../../shared/store/head.ts";
import { teamKey } from "../../../../shared/store/keys.ts";
import { findSpec } from "../../../../shared/store/spec.ts";
import type { StudySpec } from "../../../../shared/study/study.ts";
import { batchExecution } from "../../../support/batch.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { keyed, makeStudy, noReceipt, studyBody, testDeps } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
const deps = testDeps(client, tableName, clock);

const create = (change: Parameters<typeof studyBody>[0] = {}, team = "acme") =>
  createStudy(deps, team, studyBody(change), noReceipt);
const studiesOf = async (team: string) => (await deps.store.get(teamKey(team)))?.studies;

test("a study runs at once, with every default filled in, and is shown as a read shows it", async () => {
  const study = await makeStudy(deps);
  const shown = await readStudy(deps, study);
  expect(shown).toMatchObject({
    name: "svm-digits",
    team: "acme",
    state: "running",
    created: "2026-11-23T12:00:00.000Z",
    constraints: [],
    forbidden: [],
    outcomes: [],
    scheduler: { name: "none" },
    lease: { seconds: 300, maxAttempts: 3 },
    executor: { type: "client" },
    budget: { trials: 40, parallel: 1000 },
    started: false,
    best: [],
    message: null,
  });
  expect(shown.trials).toEqual({ queued: 0, running: 0, paused: 0, completed: 0, pruned: 0, failed: 0 });
});

test("a study that names only its resource gets a scheduler, and says why", async () => {
  const resource = { name: "epoch", min: 1, max: 27 };
  const shown = await create({ scheduler: { resource }, budget: { trials: 100 } });
  expect(shown.scheduler).toEqual({ name: "freeze-thaw", resource: { ...resource, min: 1 } });
  expect(shown.schedulerWhy).toMatch(/^a model of the learning curves decides/);
  const named = await create({ scheduler: { name: "asha", resource } });
  expect(named).not.toHaveProperty("schedulerWhy");
});

test("a resource that is wrong is refused where Hone chooses, too", async () => {
  const resource = { name: "epoch", min: 9, max: 3 };
  await expect(create({ scheduler: { name: "auto", resource } })).rejects.toMatchObject({
    errors: [{ pointer: "/scheduler/resource/min" }],
  });
});

test("the answer is the study as it is stored", async () => {
  const shown = await create({
    lease: { seconds: 60 },
    executor: batchExecution,
    budget: { trials: 7, gpuHours: 0.1 + 0.2, dollars: 5 },
  });
  expect(shown.lease).toEqual({ seconds: 60, maxAttempts: 3 });
  expect(shown.budget).toEqual({ trials: 7, parallel: 4, gpuHours: 0.1 + 0.2, dollars: 5 });
  const { study, ...rest } = shown;
  expect(await findHead(deps.store, study)).toMatchObject({
    trials: 7,
    gpuHours: 0.1 + 0.2,
    dollars: 5,
    rev: 0,
  });
  expect(rest.algorithm).toEqual({ name: "random", seed: 1 });
});

test("a batch study runs four trials at once unless it says otherwise", async () => {
  expect((await create({ executor: batchExecution })).budget.parallel).toBe(4);
  expect(
    (await create({ executor: batchExecution, budget: { trials: 9, parallel: 9 } })).budget.parallel,
  ).toBe(9);
});

test.each([
  { parallel: 1, tables: 1 },
  { parallel: 16, tables: 1 },
  { parallel: 17, tables: 2 },
  { parallel: 128, tables: 8 },
  { parallel: undefined, tables: 8 },
])(
  "with $parallel trials at once, $tables tables share the entries of a rung",
  async ({ parallel, tables }) => {
    const { study } = await create({ budget: { trials: 2000, ...(parallel !== undefined && { parallel }) } });
    expect(await findSpec(deps.store, study)).toMatchObject({ tables });
  },
);

test("a study without an algorithm gets auto, and a seed of its own that stays", async () => {
  const one = await create({ algorithm: undefined });
  const two = await create({ algorithm: undefined });
  expect([one.algorithm.name, two.algorithm.name]).toEqual(["auto", "auto"]);
  expect(one.algorithm.seed).not.toBe(two.algorithm.seed);
  expect(((await findSpec(deps.store, one.study)) as StudySpec).seed).toBe(one.algorithm.seed);
});

test("a drawn seed is any 32-bit number that is not negative", async () => {
  const high = testDeps(client, tableName, clock, {
    randomBytes: (count) => new Uint8Array(count).fill(255),
  });
  const { algorithm } = await createStudy(high, "acme", studyBody({ algorithm: { name: "tpe" } }), noReceipt);
  expect(algorithm.seed).toBe(0xffffffff);
});

test("an id is the name and six letters, and fits the rules of ids however long the name", async () => {
  expect((await create()).study).toMatch(/^svm-digits-[a-z2-9]{6}$/);
  const longest = "n".repeat(63);
  const { study, name } = await create({ name: longest });
  expect(study).toMatch(/^n{56}-[a-z2-9]{6}$/);
  expect(name).toBe(longest);
});

test("an id that is taken is not given again: another one is drawn", async () => {
  let draws = 0;
  // The first two studies draw the same letters.
  const unlucky = testDeps(client, tableName, clock, {
    randomBytes: (count) => new Uint8Array(count).fill(count === 4 ? 0 : [7, 7, 8][Math.min(draws++, 2)]!),
  });
  const first = await createStudy(unlucky, "acme", studyBody({ name: "same" }), noReceipt);
  const second = await createStudy(unlucky, "acme", studyBody({ name: "same" }), noReceipt);
  expect(first.study).not.toBe(second.study);
  expect(draws).toBe(3);
  expect(await findHead(deps.store, first.study)).toMatchObject({ rev: 0 });
});

test("the study remembers on which revision of its algorithm and scheduler it began", async () => {
  const { study } = await create({ algorithm: { name: "tpe" } });
  expect(await findHead(deps.store, study)).toMatchObject({
    algorithmRevision: algorithms.tpe.revision,
    schedulerRevision: 1,
  });
});

test("a study is listed in its team, counted once, and its key makes it once", async () => {
  const body = studyBody({ name: "counted" });
  const make = () => createStudy(deps, "counting", body, keyed("create-counted", body));
  const { study } = await make();
  expect((await make()).study).toBe(study);
  expect((await listStudies(deps, "counting", {})).studies).toMatchObject([
    { study, name: "counted", state: "running", created: "2026-11-23T12:00:00.000Z", best: null },
  ]);
  expect(await studiesOf("counting")).toBe(1);
});

test("a faulty study is refused with the place of each fault, and nothing of it is stored", async () => {
  const faulty = create({ outcomes: [{ metric: "ms", min: 2, max: 1 }] }, "faulty");
  await expect(faulty).rejects.toMatchObject({ type: "invalid-input", pointer: "/outcomes/0/min" });
  await expect(create({ space: { x: { type: "float", low: 2, high: 1 } } }, "faulty")).rejects.toMatchObject({
    type: "invalid-input",
    pointer: expect.stringMatching(/^\/space\/x/),
  });
  expect((await listStudies(deps, "faulty", {})).studies).toEqual([]);
  expect(await studiesOf("faulty")).toBeUndefined();
});
