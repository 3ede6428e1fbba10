import { expect, test } from "vitest";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { endExpired } from "../../../../shared/service/trials/expire.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { worldOn } from "../../../support/batch.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, commandsOf, UPDATE } from "../../../support/interleave.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("a trial that lost its last attempt fails with a reason, and the study finishes", async () => {
  const { clock, ask, deps, study } = await setUp({ budget: { trials: 1 } });
  await ask("w1");
  clock.now += 60_001;
  await ask("w2");
  clock.now += 60_001;
  const read = await readStudy(deps, study);
  expect(read).toMatchObject({ state: "finished", trials: { failed: 1, running: 0 } });
  expect((await readTrial(deps, study, 0)).reason).toContain("All 2 attempts were lost");
  expect(await ask("w3")).toEqual({ trials: [], state: "finished", retryAfter: null });
});

test("a trial with attempts left stays as it is: the next ask takes it", async () => {
  const { clock, ask, trial, deps, snapshot } = await setUp();
  await ask("w1");
  const running = await trial(0);
  clock.now += 60_001;
  const seen = await snapshot();
  expect(await endExpired(deps, seen)).toBe(seen);
  expect(await trial(0)).toEqual(running);
});

test("only trials whose lease has expired end, and what is read then is up to date", async () => {
  const { clock, ask, deps, snapshot } = await setUp({ lease: { seconds: 60, maxAttempts: 1 } });
  await ask("w1");
  clock.now += 30_000;
  await ask("w2");
  clock.now += 30_001;
  const { trials } = await endExpired(deps, await snapshot());
  expect(trials.map(({ state }) => state)).toEqual(["failed", "running"]);
  expect(trials[0]).toMatchObject({ finished: clock.now, attempts: [{ attempt: 1, end: "expired" }] });
});

test.each(["running", "completed"] as const)(
  "a heartbeat or a tell that comes meanwhile stands: %s",
  async (state) => {
    const { clock, ask, tell, heartbeat, client, deps, snapshot } = await setUp({
      lease: { seconds: 60, maxAttempts: 1 },
    });
    await ask("w1");
    clock.now += 60_001;
    before(client, UPDATE, () => (state === "running" ? heartbeat(0) : tell(0, 0.5)));
    const { trials } = await endExpired(deps, await snapshot());
    expect(trials.map((trial) => trial.state)).toEqual([state]);
  },
);

test("of many trials that died each is ended", async () => {
  const { clock, ask, deps, snapshot } = await setUp({ lease: { seconds: 60, maxAttempts: 1 } });
  await ask("w1", 40);
  clock.now += 60_001;
  const { trials } = await endExpired(deps, await snapshot());
  expect(trials.map(({ state }) => state)).toEqual(Array.from({ length: 40 }, () => "failed"));
});

test("a study whose trials all live is not written", async () => {
  const { ask, deps, snapshot, client } = await setUp();
  await ask("w1");
  const seen = await snapshot();
  expect(await commandsOf(client, () => endExpired(deps, seen))).toEqual([]);
});

test("the trials of a batch study are left to its reconciler", async () => {
  const world = await worldOn(table.client, table.tableName, {
    budget: { trials: 1, parallel: 1 },
    lease: { seconds: 60, maxAttempts: 1 },
  });
  await world.launch();
  world.clock.now += 60_001;
  const seen = await world.snapshot();
  expect(await endExpired(world.deps, seen)).toBe(seen);
  expect((await world.trial(0)).state).toBe("running");
});
