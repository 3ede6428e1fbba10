import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import type { ServiceDeps } from "../../../shared/service/core/deps.ts";
import { loadStudy } from "../../../shared/service/core/load.ts";
import { createStudy } from "../../../shared/service/studies/create.ts";
import { listStudies } from "../../../shared/service/studies/list.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { addTrials } from "../../../shared/service/trials/add.ts";
import { askTrials } from "../../../shared/service/trials/ask.ts";
import { listTrials } from "../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { createTestTable } from "../../support/emulator.ts";
import { Crash, type Fault, injectFaults } from "../../support/faults.ts";
import { type Event, violations } from "../../support/invariants.ts";
import { keyed, makeStudy, noReceipt, studyBody, TEAM, testDeps } from "../../support/service.ts";

/** Runs a request again and again, as a client with an Idempotency-Key does, until it is answered. */
const untilAnswered = async <T>(
  deps: () => ServiceDeps,
  run: (deps: ServiceDeps) => Promise<T>,
): Promise<T> => {
  for (let i = 0; i < 200; i++) {
    try {
      return await run(deps());
    } catch (error) {
      if (error instanceof Crash || (error as { type?: string }).type === "in-progress") continue;
      throw error;
    }
  }
  throw new Error("never answered");
};

/** Fails the k-th call, and no other. */
const onlyCall = (k: number, fault: Fault) => (_: string, call: number) => (call === k ? fault : "none");

const faults: Fault[] = ["crash-before", "crash-after", "lost-reply"];

test.each(faults)("an ask with a key gives one trial, whichever call meets %s", async (fault) => {
  const { client, tableName } = await createTestTable();
  const study = await makeStudy(testDeps(client, tableName));
  for (let k = 0; k < 6; k++) {
    const before = (await readStudy(testDeps(client, tableName), study)).trials.running;
    const restore = injectFaults(client, onlyCall(k, fault));
    const fresh = () => testDeps(client, tableName);
    const first = await untilAnswered(fresh, (deps) => askTrials(deps, study, {}, keyed(`ask ${k}`)));
    const second = await untilAnswered(fresh, (deps) => askTrials(deps, study, {}, keyed(`ask ${k}`)));
    restore();
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect((await readStudy(testDeps(client, tableName), study)).trials.running).toBe(before + 1);
  }
});

test.each(faults)("a tell is counted once, whichever call meets %s, with a key or without", async (fault) => {
  const { client, tableName } = await createTestTable();
  const study = await makeStudy(testDeps(client, tableName));
  for (let k = 0; k < 4; k++) {
    for (const write of [noReceipt, keyed(`tell ${k}`)]) {
      const { trials } = await askTrials(testDeps(client, tableName), study, {}, noReceipt);
      const { number } = trials[0]!;
      const restore = injectFaults(client, onlyCall(k, fault));
      const told = await untilAnswered(
        () => testDeps(client, tableName),
        (deps) => tellTrial(deps, study, number, { attempt: 1, values: { accuracy: k } }, write),
      );
      restore();
      expect(told).toEqual({ number, state: "completed" });
    }
  }
  expect((await readStudy(testDeps(client, tableName), study)).trials).toMatchObject({
    completed: 8,
    running: 0,
  });
});

test.each(faults)(
  "creating and importing with a key happens once, whichever call meets %s",
  async (fault) => {
    const { client, tableName } = await createTestTable();
    const fresh = () => testDeps(client, tableName);
    for (let k = 0; k < 5; k++) {
      const restore = injectFaults(client, onlyCall(k, fault));
      const { study: id } = await untilAnswered(fresh, (deps) =>
        createStudy(deps, TEAM, studyBody(), keyed(`create ${k}`)),
      );
      restore();
      const study = await loadStudy(fresh(), TEAM, id);
      const restoreAgain = injectFaults(client, onlyCall(k, fault));
      const trials = Array.from({ length: 60 }, () => ({
        params: { C: 1, gamma: 0.1 },
        values: { accuracy: 1 },
      }));
      await untilAnswered(fresh, (deps) => addTrials(deps, study, { trials }, keyed(`add ${k}`)));
      restoreAgain();
      expect((await readStudy(fresh(), study)).trials.completed).toBe(60);
    }
    expect((await listStudies(fresh(), TEAM, {})).studies).toHaveLength(5);
  },
);

test("while the table throttles every call, an ask says busy in time and changes nothing", async () => {
  const { client, tableName } = await createTestTable();
  const deps = testDeps(client, tableName);
  const study = await makeStudy(deps);
  const restore = injectFaults(client, () => "throttle");
  await expect(askTrials(deps, study, {}, noReceipt)).rejects.toMatchObject({ type: "unavailable" });
  restore();
  expect((await readStudy(deps, study)).trials.running).toBe(0);
});

/** One worker's life under random faults: asks with a key, tells with and without one, sometimes dies in between. */
const work = async (
  client: DynamoDBClient,
  table: string,
  id: string,
  name: string,
  events: Event[],
  mortal: () => boolean,
) => {
  const fresh = () => testDeps(client, table);
  for (let i = 0; i < 40; i++) {
    const study = await untilAnswered(fresh, (deps) => loadStudy(deps, TEAM, id));
    const reply = await untilAnswered(fresh, (deps) =>
      askTrials(deps, study, { worker: name }, keyed(`${name} ask ${i}`)).catch((error) => {
        if (error.type === "unavailable") throw new Crash("busy");
        throw error;
      }),
    );
    if (reply.state === "finished") return;
    for (const trial of reply.trials) {
      events.push({ kind: "leased", at: Date.now(), worker: name, trial });
      if (mortal()) continue;
      const values = { accuracy: trial.number / 7 };
      const told = await untilAnswered(fresh, (deps) =>
        tellTrial(
          deps,
          study,
          trial.number,
          { attempt: trial.attempt, values },
          i % 2 === 0 ? noReceipt : keyed(`${name} tell ${i}`),
        ),
      );
      events.push({
        kind: "told",
        at: Date.now(),
        number: trial.number,
        attempt: trial.attempt,
        values,
        reply: told,
      });
    }
    if (reply.trials.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

test("under random crashes and lost replies the recorded history keeps the invariants", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const { client, tableName } = await createTestTable();
      const budget = 24;
      const study = await makeStudy(testDeps(client, tableName), { budget: { trials: budget } });
      const events: Event[] = [];
      const dice = createRandom(seed);
      const restore = injectFaults(client, () => {
        const face = dice.uniform();
        return face < 0.06
          ? "crash-before"
          : face < 0.12
            ? "crash-after"
            : face < 0.2
              ? "lost-reply"
              : "none";
      });
      const mortal = () => dice.uniform() < 0.1;
      await Promise.all(
        Array.from({ length: 6 }, (_, i) => work(client, tableName, study.id, `w${i}`, events, mortal)),
      );
      restore();
      const { trials: final } = await listTrials(testDeps(client, tableName), study, { limit: 1000 });
      expect(violations({ events, final, budget, imported: 0 })).toEqual([]);
      expect(events.filter((event) => event.kind === "told").length).toBeGreaterThan(budget / 2);
    }),
    { numRuns: 5, seed: 42, endOnFailure: true },
  );
}, 120_000);
