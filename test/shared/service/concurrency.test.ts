import { expect, test } from "vitest";
import { BudgetSpent } from "../../../shared/errors.ts";
import { loadStudy } from "../../../shared/service/core/load.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { addTrials } from "../../../shared/service/trials/add.ts";
import { askTrials } from "../../../shared/service/trials/ask.ts";
import { exportTrials, listTrials } from "../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Event, violations } from "../../support/invariants.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../support/service.ts";

const accuracy = (number: number) => ({ accuracy: 1 / (1 + number) });

test("64 workers that ask and tell at once get every trial of the budget exactly once", async () => {
  const { client, tableName } = await createTestTable();
  const budget = 128;
  const study = await makeStudy(testDeps(client, tableName), { budget: { trials: budget } });
  const events: Event[] = [];

  const worker = async (name: string) => {
    const deps = testDeps(client, tableName); // a process of its own, with cold caches
    const own = await loadStudy(deps, TEAM, study.id);
    for (;;) {
      const reply = await askTrials(deps, own, { count: 2, worker: name }, noReceipt).catch((error) => {
        if (error.type === "unavailable") return null;
        throw error;
      });
      if (reply === null) continue;
      if (reply.state === "finished") return;
      for (const trial of reply.trials) {
        events.push({ kind: "leased", at: Date.now(), worker: name, trial });
        const values = accuracy(trial.number);
        const told = await tellTrial(deps, own, trial.number, { attempt: trial.attempt, values }, noReceipt);
        events.push({
          kind: "told",
          at: Date.now(),
          number: trial.number,
          attempt: trial.attempt,
          values,
          reply: told,
        });
      }
      if (reply.trials.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await Promise.all(Array.from({ length: 64 }, (_, i) => worker(`w${i}`)));

  const deps = testDeps(client, tableName);
  const { trials: final } = await listTrials(deps, await loadStudy(deps, TEAM, study.id), { limit: 1000 });
  expect(violations({ events, final, budget, imported: 0 })).toEqual([]);
  expect(final.map((trial) => trial.state)).toEqual(Array.from({ length: budget }, () => "completed"));
  expect(new Set(final.map((trial) => JSON.stringify(trial.params))).size).toBe(budget);
  const read = await readStudy(deps, study);
  expect(read.state).toBe("finished");
  expect(read.best).toMatchObject([{ number: 0, values: { accuracy: 1 } }]);
});

test("50 tells of one trial at once: one is applied, equal ones get the same answer, the others are refused", async () => {
  const { client, tableName } = await createTestTable();
  const deps = testDeps(client, tableName);
  const study = await makeStudy(deps);
  const { trials } = await askTrials(deps, study, {}, noReceipt);
  const trial = trials[0]!;
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) =>
      tellTrial(deps, study, trial.number, { attempt: 1, values: { accuracy: i % 2 } }, noReceipt),
    ),
  );
  const [stored] = (await exportTrials(deps, study)).trials;
  const winner = stored?.values?.accuracy;
  results.forEach((result, i) => {
    if (i % 2 === winner)
      expect(result).toMatchObject({ status: "fulfilled", value: { state: "completed" } });
    else expect(result).toMatchObject({ status: "rejected", reason: { type: "already-told" } });
  });
});

test("no more trials run at once than `parallel` allows, whoever asks", async () => {
  const { client, tableName } = await createTestTable();
  const study = await makeStudy(testDeps(client, tableName), { budget: { trials: 100, parallel: 7 } });
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      askTrials(testDeps(client, tableName), study, { count: 3, worker: `w${i}` }, noReceipt),
    ),
  );
  expect(replies.flatMap((reply) => reply.trials)).toHaveLength(7);
  expect(
    replies.filter((reply) => reply.trials.length === 0).every((reply) => (reply.retryAfter ?? 0) > 0),
  ).toBe(true);
});

test("imports while others ask leave numbers unique and the budget untouched", async () => {
  const { client, tableName } = await createTestTable();
  const study = await makeStudy(testDeps(client, tableName), { budget: { trials: 30 } });
  const deps = testDeps(client, tableName);
  const params = { C: 1, gamma: 0.1 };
  await Promise.all([
    ...Array.from({ length: 5 }, () =>
      addTrials(
        testDeps(client, tableName),
        study,
        { trials: Array.from({ length: 60 }, () => ({ params, values: { accuracy: 0.5 } })) },
        noReceipt,
      ),
    ),
    ...Array.from({ length: 10 }, (_, i) =>
      askTrials(testDeps(client, tableName), study, { count: 3, worker: `w${i}` }, noReceipt),
    ),
  ]);
  const { trials } = await listTrials(deps, study, { limit: 1000 });
  expect(trials.map((trial) => trial.number)).toEqual(Array.from({ length: 330 }, (_, i) => i));
  expect((await readStudy(deps, study)).trials).toMatchObject({ running: 30, completed: 300 });
  await expect(addTrials(deps, study, { trials: [{ params }] }, noReceipt)).rejects.toThrow(BudgetSpent);
});
