import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom, type Random } from "../../../shared/numerics/random.ts";
import type { ServiceDeps } from "../../../shared/service/core/deps.ts";
import { reconcile } from "../../../shared/service/repair/reconcile.ts";
import { deleteStudy, SETTLED_MS } from "../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { addTrials } from "../../../shared/service/trials/add.ts";
import { askTrials } from "../../../shared/service/trials/ask.ts";
import { readTrial } from "../../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../../shared/service/trials/report.ts";
import { tellTrial } from "../../../shared/service/trials/tell.ts";
import { putHint } from "../../../shared/store/hint.ts";
import { Store } from "../../../shared/store/store.ts";
import type { LoadedStudy } from "../../../shared/study/study.ts";
import { type ClientWorld, clientWorld } from "../../support/client.ts";
import { retryAtOnce } from "../../support/faults.ts";
import { TRANSACT, UPDATE } from "../../support/interleave.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { noReceipt } from "../../support/service.ts";

const wait = async (turns: number) => {
  for (let left = turns; left > 0; left--) await new Promise(setImmediate);
};

/**
 * Every call of the table waits for a random number of turns, so that what happens at once is mixed as the seed says. A
 * write may wait for so long that a deletion and a whole sweep come first.
 */
const shuffle = (client: DynamoDBClient, random: Random): void => {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const isSlow = [TRANSACT, UPDATE].includes(commandName ?? "") && random.uniform() < 0.3;
        await wait(random.integer(isSlow ? 200 : 4));
        return next(args);
      },
    { step: "initialize", name: "hone-shuffle" },
  );
};

const CLIENTS = 10;
const TRIALS = 12;

/** Processes in which nothing but the seed decides: no timer, and no chance of their own. */
const seeded = ({ client, tableName, process }: ClientWorld, random: Random) => {
  let tokens = 0;
  return (overrides: Partial<ServiceDeps> = {}): ServiceDeps =>
    process({
      store: new Store({
        client,
        table: tableName,
        jitter: () => random.uniform(),
        token: () => `token-${tokens++}`,
        sleep: () => wait(4),
      }),
      randomBytes: (count) => Uint8Array.from({ length: count }, () => random.integer(256)),
      ...overrides,
    });
};

/** What clients do with a study; each on its own trial or on the study. */
const calls = (deps: ServiceDeps, study: LoadedStudy, random: Random) => {
  let keys = 0;
  const write = () =>
    random.uniform() < 0.5
      ? noReceipt
      : { receipt: { id: `${random.integer(1e9)} ${keys++}`, body: "body", study: study.id } };
  const number = () => random.integer(TRIALS);
  const values = () => ({ accuracy: random.uniform() });
  const body = () => ({ attempt: 1, step: random.integer(1000), values: values() });
  return [
    () => reportTrial(deps, study, number(), body(), write()),
    () => reportTrial(deps, study, number(), body(), write()),
    () => reportTrial(deps, study, number(), body(), write()),
    () => tellTrial(deps, study, number(), { attempt: 1, values: values() }, write()),
    () => heartbeatTrial(deps, study, number(), { attempt: 1 }, write()),
    () => askTrials(deps, study, { count: 2 }, write()),
    () => addTrials(deps, study, { trials: [{ params: { C: 1, gamma: 0.1 }, values: values() }] }, write()),
    () => patchStudy(deps, study, { budget: { trials: 60 + random.integer(10) } }, write()),
    () => readTrial(deps, study, number()),
    () => readStudy(deps, study),
  ];
};

const typeOf = (error: unknown) => (error as { type?: string }).type ?? String(error);

test("whatever ten clients do while a study is deleted, they hear of it at once, and nothing of it is left", async () => {
  let overlapping = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const { client, tableName, table } = createMemoryTable();
      retryAtOnce(client);
      const random = createRandom(seed, 0);
      const world = await clientWorld({ client, tableName }, { budget: { trials: 60 } });
      await world.ask(undefined, TRIALS);
      shuffle(client, random);
      const { study, clock } = world;
      const process = seeded(world, random);

      let isDeleted = false;
      let isOver = false;
      const late: string[] = [];
      const work = async () => {
        const choices = calls(process(), study, random);
        while (!isOver) {
          const beganAfter = isDeleted;
          const answer = await choices[random.integer(choices.length)]!().then(() => "answered", typeOf);
          if (beganAfter && answer !== "study-not-found") late.push(answer);
          if (!beganAfter && isDeleted) overlapping++;
          if (isDeleted) await wait(20);
        }
      };
      const repair = process({ batch: { ...process().batch, listAlive: async () => [] } });
      const visit = () => reconcile(repair, clock.now + 60_000);
      const clients = Array.from({ length: CLIENTS }, work);
      await wait(20 + random.integer(60));
      await deleteStudy(process(), study, noReceipt);
      isDeleted = true;
      await visit();
      // An ask that read the study before its deletion keeps a hint, which has no condition on the study.
      await process().store.update(
        putHint(study.id, { algorithm: "gp", revision: 1, trials: 1, values: [1] }, clock.now),
      );
      await visit();
      isOver = true;
      await Promise.all(clients);
      clock.now += SETTLED_MS;
      await visit();

      expect(late).toEqual([]);
      const left = table
        .keys()
        .filter(({ pk, sk }) => !(pk === "TEAM#acme" && /^(TEAM|MINUTE#\d+)$/.test(sk)));
      expect(left).toEqual([]);
    }),
    { numRuns: 10, seed: 1 },
  );
  // The stories are not idle: most clients had a call on its way when the deletion was answered.
  expect(overlapping).toBeGreaterThan(20);
});
