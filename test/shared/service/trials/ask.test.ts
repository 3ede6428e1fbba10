import { expect, test } from "vitest";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { reportTrial } from "../../../../shared/service/trials/report.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("a worker that asks again gets its own open trials first, the same attempt with a new lease", async () => {
  const { clock, ask } = await setUp();
  const first = await ask("w1", 2);
  clock.now += 30_000;
  const again = await ask("w1", 3);
  expect(again.trials.map((trial) => trial.number)).toEqual([0, 1, 2]);
  expect(again.trials[0]).toMatchObject({
    attempt: 1,
    params: first.trials[0]?.params,
    leaseExpires: "2026-11-23T12:01:30.000Z",
  });
  expect((await ask("w2")).trials[0]?.number).toBe(3);
});

test("a trial whose lease ran out goes to the next asker: the same configuration, the next attempt", async () => {
  const { clock, ask, tell, deps, study } = await setUp();
  const [lost] = (await ask("w1")).trials;
  clock.now += 60_001;
  const [taken] = (await ask("w2")).trials;
  expect(taken).toMatchObject({ number: lost?.number, attempt: 2, params: lost?.params });
  await expect(tell(0, 0.5)).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(
    reportTrial(deps, study, 0, { attempt: 1, step: 1, values: { accuracy: 0.1 } }, noReceipt),
  ).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await tell(0, 0.7, 2)).toEqual({ number: 0, state: "completed" });
  const detail = await readTrial(deps, study, 0);
  expect(detail.values).toEqual({ accuracy: 0.7 });
  expect(detail.attempts).toMatchObject([{ attempt: 1, end: "expired" }]);
});

test("enqueued configurations are handed out before new ones, and count in the budget", async () => {
  const { ask, deps, study } = await setUp({ budget: { trials: 2 } });
  await addTrials(deps, study, { trials: [{ params: { C: 2, gamma: 0.5 } }] }, noReceipt);
  expect((await ask("w1")).trials[0]).toMatchObject({
    number: 0,
    attempt: 1,
    params: { C: 2, gamma: 0.5 },
    algorithm: "enqueue",
  });
  expect((await ask("w2")).trials[0]).toMatchObject({ number: 1, algorithm: "random" });
  expect(await ask("w3")).toMatchObject({ trials: [], state: "running" });
});

test("a paused study hands out nothing new; extended and resumed it goes on", async () => {
  const { ask, tell, deps, study } = await setUp({ budget: { trials: 1 } });
  await ask("w1");
  await patchStudy(deps, study, { state: "paused" }, noReceipt);
  expect(await ask("w2")).toMatchObject({ trials: [], state: "paused", retryAfter: 30 });
  await tell(0, 0.5);
  expect((await readStudy(deps, study)).state).toBe("finished");
  await patchStudy(deps, study, { state: "running", budget: { trials: 3 } }, noReceipt);
  expect((await ask("w2")).trials).toHaveLength(1);
});

test("the same key and body gives the same answer; another body is refused", async () => {
  const { clock, deps, study } = await setUp();
  const first = await askTrials(deps, study, { count: 2 }, keyed("k1", { count: 2 }));
  clock.now += 1000;
  expect(JSON.stringify(await askTrials(deps, study, { count: 2 }, keyed("k1", { count: 2 })))).toBe(
    JSON.stringify(first),
  );
  await expect(askTrials(deps, study, { count: 3 }, keyed("k1", { count: 3 }))).rejects.toMatchObject({
    type: "key-reuse",
  });
  clock.now += 24 * 3_600_000; // the receipt has expired, though DynamoDB has not deleted it yet
  expect((await askTrials(deps, study, { count: 1 }, keyed("k1", { count: 1 }))).trials[0]?.number).not.toBe(
    undefined,
  );
});

test("one key used by many at once gives one trial", async () => {
  const { deps, study } = await setUp();
  const replies = await Promise.allSettled(
    Array.from({ length: 16 }, () => askTrials(deps, study, {}, keyed("k2"))),
  );
  const numbers = replies.flatMap((reply) =>
    reply.status === "fulfilled" ? [JSON.stringify(reply.value)] : [],
  );
  expect(new Set(numbers).size).toBe(1);
  for (const reply of replies) {
    if (reply.status === "rejected") expect(reply.reason.type).toMatch(/in-progress|unavailable/);
  }
  expect((await readStudy(deps, study)).trials.running).toBe(1);
});

test("grid ends the study by itself, each point once", async () => {
  const { ask, tell, deps, study } = await setUp({
    space: { a: { type: "int", low: 1, high: 3 }, b: { type: "categorical", choices: ["x", "y"] } },
    algorithm: { name: "grid" },
    budget: { trials: 100 },
  });
  const seen: string[] = [];
  for (;;) {
    const { trials, state } = await ask(undefined, 4);
    if (state === "finished") break;
    for (const trial of trials) {
      seen.push(JSON.stringify(trial.params));
      await tell(trial.number, 0);
    }
  }
  expect(new Set(seen).size).toBe(6);
  expect(seen).toHaveLength(6);
  expect((await readStudy(deps, study)).state).toBe("finished");
});
