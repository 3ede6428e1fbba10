import { randomUUID } from "node:crypto";
import { BatchClient, RegisterJobDefinitionCommand } from "@aws-sdk/client-batch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import type { SweepMessage } from "../../shared/schemas/message.ts";
import type { FiringPage, Sweep } from "../../shared/schemas/sweep.ts";
import { overwriteHead } from "../../shared/store/head.ts";
import { sweepKey, sweepNoteKey } from "../../shared/store/keys.ts";
import { Store } from "../../shared/store/store.ts";
import { findSweep, noteSweep } from "../../shared/store/sweep.ts";
import { deployed, invokeLambda, rootAccess, scheduleOf } from "../support/deployed.ts";
import { until } from "../support/http.ts";
import { byMachine } from "../support/machine-kinds.ts";

/**
 * What the sweep Lambda may do, each used: it is called as by the schedules. A crash is
 * simulated by writing the items that it would have left in the table.
 */

const { stack, call, read, finished, running } = deployed();

const access = rootAccess();
const store = new Store({
  client: new DynamoDBClient(access),
  table: stack.outputs.table ?? "",
  jitter: Math.random,
  token: randomUUID,
});

const QUICK = 'print("{\\"loss\\": 1}")';
const SLOW = "import time; time.sleep(300)";
const create = async (program: string, change: object, sweep: object = {}): Promise<string> => {
  const template = {
    name: "fired",
    space: { x: { type: "float", low: -5, high: 5 } },
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: "random", seed: 3 },
    budget: { trials: 2, parallel: 1 },
    executor: {
      type: "batch",
      image: "python:3.13-slim",
      command: [...stack.runner, "exec", "--", "python3", "-u", "-c", program],
      vcpus: 0.25,
      memoryMiB: 256,
      timeoutSeconds: 60,
    },
    ...change,
  };
  const body = { name: "ways", schedule: { rate: { days: 1 } }, template, ...sweep };
  const reply = await call<Sweep>("POST", "/sweeps", body);
  if (reply.status !== 201) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`);
  return reply.body.sweep;
};

/** The schedule calls the Lambda, at once for several messages. */
const send = async (...messages: readonly SweepMessage[]): Promise<void> => {
  await Promise.all(messages.map((message) => invokeLambda("sweep", message)));
};
/** Its own schedule, now instead of within a minute. */
const attend = () => send({ version: 1, attend: "all" });

const firing = (sweep: string, scheduled: string): SweepMessage => ({
  version: 1,
  sweep,
  revision: 1,
  scheduled,
});
const firings = async (sweep: string) =>
  (await call<FiringPage>("GET", `/sweeps/${sweep}/firings`)).body.firings;

/** Waits for so many firings. @returns their studies, the newest first. */
const studiesOf = async (sweep: string, count: number): Promise<string[]> => {
  const all = await until(
    () => firings(sweep),
    (found) => found.length === count,
    60,
  );
  return all.map(({ study }) => study ?? "");
};

test.each(Object.entries(byMachine))(
  "a firing that is delivered twice starts one study in %s, and the next one stops it",
  async (_, kind) => {
    const sweep = await create(SLOW, kind, { overlap: "replace" });
    const message = firing(sweep, "2026-11-27T03:00:00Z");
    await send(message, message);
    const [first = ""] = await studiesOf(sweep, 1);
    await running(first, 0);
    await send(firing(sweep, "2026-11-28T03:00:00Z"));
    const [second = ""] = await studiesOf(sweep, 2);
    expect(await firings(sweep)).toMatchObject([{ outcome: "replaced" }, { outcome: "created" }]);
    const stopped = await until(
      () => read(first),
      ({ started, trials }) => !started && trials.running === 0,
      30,
    );
    expect(stopped.state).toBe("paused");
    expect((await read(second)).started).toBe(true);
    expect((await call("DELETE", `/studies/${second}`)).status).toBe(204);
  },
);

test("a study that is no longer kept is deleted with the job definition that it still has", async () => {
  const sweep = await create(QUICK, {}, { keep: 1 });
  await send(firing(sweep, "2026-11-27T03:00:00Z"));
  const [first = ""] = await studiesOf(sweep, 1);
  await finished(first);
  // As if the reconciler had not come by yet.
  const { jobDefinitionArn: definition = "" } = await new BatchClient({
    ...access,
    endpoint: stack.batch,
  }).send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: `hone-${first}`,
      type: "container",
      containerProperties: { image: "python:3.13-slim", vcpus: 1, memory: 256 },
    }),
  );
  await store.update(overwriteHead(first, { definition }));
  await send(firing(sweep, "2026-11-28T03:00:00Z"));
  const [second = ""] = await studiesOf(sweep, 2);
  await until(
    () => firings(sweep),
    ([, old]) => old?.state === "deleted",
    30,
  );
  await finished(second);
});

test("a schedule that is not there is made, and a note of it goes once nobody is about to change the sweep", async () => {
  const sweep = await create(QUICK, {});
  await scheduleOf(sweep, "DELETE");
  const item = await findSweep(store, sweep);
  if (item === null) throw new Error("There is no sweep.");
  // As if a minute had passed.
  await store.transact([noteSweep(item, 0)]);
  await attend();
  await until(
    () => store.get(sweepNoteKey(sweep)),
    (note) => note === null,
    30,
  );
  expect(await scheduleOf(sweep)).toMatchObject({ ScheduleExpression: "rate(1 day)" });
});

test("of a deleted sweep nothing is left, its firings neither", async () => {
  const sweep = await create(QUICK, { executor: { type: "client" } });
  await send(firing(sweep, "2026-11-27T03:00:00Z"));
  await studiesOf(sweep, 1);
  expect((await call("DELETE", `/sweeps/${sweep}`)).status).toBe(204);
  const item = await findSweep(store, sweep);
  if (item === null) throw new Error("The sweep went at once.");
  await store.transact([noteSweep(item, 0)]);
  await attend();
  const { pk } = sweepKey(sweep);
  const left = () => store.query(pk, " ", "~");
  await until(left, (items) => items.length === 0, 30);
  expect(await store.get(sweepNoteKey(sweep))).toBeNull();
  expect(await scheduleOf(sweep)).toBeNull();
});
