import { expect, test } from "vitest";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { noteChange } from "../../../../shared/service/core/listing.ts";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { listStudies } from "../../../../shared/service/studies/list.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { listingKey, outdatedKey, teamStudyKey } from "../../../../shared/store/keys.ts";
import { newListing } from "../../../../shared/store/listing.ts";
import { batchExecution, memoryWorld } from "../../../support/batch.ts";
import { clientWorld } from "../../../support/client.ts";
import { commandsOf, QUERY, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";
import { NOON } from "../../../support/study.ts";

const table = createMemoryTable();
const { client, tableName } = table;
const deps = testDeps(client, tableName);

const listed = (study: string, i: number) =>
  newListing({
    study,
    team: "pages",
    name: "svm",
    created: NOON + i,
    state: "running",
    summary: {
      trials: { queued: 0, running: 1, paused: 0, completed: 3, pruned: 0, failed: 0 },
      budget: 40,
      best: { number: 2, values: { accuracy: 0.5 } },
    },
    asOf: NOON + 10,
  });

test("studies are listed page by page, newest first, with their progress; the last page has no cursor", async () => {
  const ids = ["b", "e", "a", "c", "d"].map((letter) => `study-${letter}`);
  await deps.store.transact(ids.map(listed));
  const newest = [...ids].reverse();
  const first = await listStudies(deps, "pages", { limit: 2 });
  expect(first.studies.map(({ study }) => study)).toEqual(newest.slice(0, 2));
  expect(first.studies[0]).toEqual({
    study: "study-d",
    name: "svm",
    state: "running",
    created: "2026-11-23T12:00:00.004Z",
    trials: { queued: 0, running: 1, paused: 0, completed: 3, pruned: 0, failed: 0 },
    budget: { trials: 40 },
    best: { number: 2, values: { accuracy: 0.5 } },
    asOf: "2026-11-23T12:00:00.010Z",
  });
  const second = await listStudies(deps, "pages", { limit: 3, cursor: first.cursor ?? "" });
  expect(second.studies.map(({ study }) => study)).toEqual(newest.slice(2));
  // The page is full, so there may be more.
  const third = await listStudies(deps, "pages", { cursor: second.cursor ?? "" });
  expect(third).toEqual({ studies: [], cursor: null });
  expect((await listStudies(deps, "pages", {})).cursor).toBeNull();
});

test("a page costs the same calls however many studies it has", async () => {
  const process = testDeps(client, tableName);
  const calls = (team: string) => commandsOf(client, () => listStudies(process, team, {}));
  // A process looks for listings of an older version once.
  expect(await calls("pages")).toEqual([QUERY, QUERY]);
  expect(await calls("nobody")).toEqual([QUERY, QUERY]);
  for (const team of ["pages", "nobody"]) expect(await calls(team)).toEqual([QUERY]);
  expect(await listStudies(deps, "nobody", {})).toEqual({ studies: [], cursor: null });
});

/** What a list says of a study. */
const shown = async (study: string) => {
  const { studies } = await listStudies(deps, TEAM, { limit: 1000 });
  return studies.find((one) => one.study === study);
};

test("a client study is listed as it is: running with its counts and best, paused, finished, deleting, gone", async () => {
  const world = await clientWorld(table, { budget: { trials: 2 } });
  const { study, clock } = world;
  const patch = (state: "paused" | "running") => patchStudy(world.deps, study, { state }, noReceipt);
  expect(await shown(study.id)).toMatchObject({ state: "running", budget: { trials: 2 }, best: null });
  await world.ask("w1", 2);
  await world.tell(0, 0.75);
  clock.now += 11_000;
  await world.ask("w1", 2);
  expect(await shown(study.id)).toMatchObject({
    state: "running",
    trials: { running: 1, completed: 1 },
    best: { number: 0, values: { accuracy: 0.75 } },
    asOf: new Date(clock.now).toISOString(),
  });
  await patch("paused");
  expect((await shown(study.id))?.state).toBe("paused");
  await patch("running");
  expect((await shown(study.id))?.state).toBe("running");
  await world.tell(1, 0.5);
  // Within the ten seconds, but another state.
  await world.ask("w1");
  expect(await shown(study.id)).toMatchObject({ state: "finished", trials: { completed: 2 } });
  await deleteStudy(world.deps, study, noReceipt);
  expect(await shown(study.id)).toMatchObject({ state: "deleting", trials: { completed: 2 } });
  clock.now += SETTLED_MS;
  await reconcile(quiet(world.process()), clock.now + 60_000);
  expect(await shown(study.id)).toBeUndefined();
});

test("whoever has read a study lists it without reading it again", async () => {
  const world = await clientWorld(table, { budget: { trials: 2 } });
  const { study, clock } = world;
  // One read, what it writes, and the listing.
  expect(await commandsOf(client, () => world.ask("w1"))).toEqual([QUERY, TRANSACT, UPDATE]);
  expect(await shown(study.id)).toMatchObject({
    trials: { running: 1 },
    asOf: new Date(clock.now).toISOString(),
  });
  await world.tell(0, 0.5);
  clock.now += 11_000;
  expect(await commandsOf(client, () => world.read())).toEqual([QUERY, UPDATE]);
  expect(await shown(study.id)).toMatchObject({ trials: { running: 0, completed: 1 } });
});

test("a trial that an ask ends is listed as failed", async () => {
  const world = await clientWorld(table, { budget: { trials: 2 }, lease: { seconds: 60, maxAttempts: 1 } });
  await world.ask("w1");
  world.clock.now += 61_000;
  await world.ask("w2");
  expect(await shown(world.study.id)).toMatchObject({ trials: { running: 1, failed: 1 } });
});

/** Without Batch. */
const quiet = (process: typeof deps) => ({
  ...process,
  batch: { ...process.batch, listAlive: async () => [] },
});

test("a batch study is listed as ready, running and ready again", async () => {
  const world = await memoryWorld({ executor: batchExecution, budget: { trials: 4, parallel: 2 } });
  const state = async () => (await listStudies(world.deps, TEAM, {})).studies[0]?.state;
  expect(await state()).toBe("ready");
  await startStudy(world.deps, world.study, noReceipt);
  expect(await state()).toBe("running");
  await stopStudy(world.deps, world.study, {}, noReceipt);
  expect(await state()).toBe("ready");
});

test("what nobody reads after its last change is listed by the reconciler, which then forgets the study", async () => {
  const world = await clientWorld(table, { budget: { trials: 1 } });
  const { study, clock, process } = world;
  const visit = () => reconcile(quiet(process()), clock.now + 60_000);
  await noteChange(world.deps, study.id);
  await world.ask("w1");
  await world.tell(0, 0.5);
  expect(await shown(study.id)).toMatchObject({ trials: { completed: 0 } });
  await visit();
  expect(await shown(study.id)).toMatchObject({ state: "finished", trials: { completed: 1 } });
  // A process may still rely on its note.
  const note = () => world.deps.store.get(outdatedKey(study.id));
  expect(await note()).not.toBeNull();
  clock.now += 120_000;
  await visit();
  expect(await note()).toBeNull();
});

test("a study whose worker died on its last attempt is finished in the list too, without anybody asking", async () => {
  const world = await clientWorld(table, { budget: { trials: 1 }, lease: { seconds: 600, maxAttempts: 1 } });
  const { study, clock, process } = world;
  await noteChange(world.deps, study.id);
  await world.ask("w1");
  for (let minutes = 0; minutes < 15; minutes += 5) {
    await reconcile(quiet(process()), clock.now + 60_000);
    clock.now += 300_000;
  }
  expect(await shown(study.id)).toMatchObject({ state: "finished", trials: { failed: 1 } });
});

test("a study that an older version listed is listed as it is, in its place", async () => {
  const [older, newer] = [await makeStudy(deps), await makeStudy(deps)];
  const { team, id, spec } = older;
  await deps.store.removeAll([listingKey(team, spec.created, id)]);
  const put = { name: spec.name, created: spec.created, state: "active" };
  await deps.store.transact([{ name: "listing", key: teamStudyKey(team, id), put }]);
  const { studies } = await listStudies(testDeps(client, tableName), TEAM, { limit: 1000 });
  const place = (study: string) => studies.findIndex((one) => one.study === study);
  expect(place(newer.id)).toBeGreaterThanOrEqual(0);
  expect(studies[place(id)]).toMatchObject({ state: "running", budget: { trials: 40 } });
});
