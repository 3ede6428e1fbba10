import { expect, test } from "vitest";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../../../shared/service/trials/report.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("reports and heartbeats extend the lease and keep the learning curve", async () => {
  const { clock, ask, deps, study } = await setUp();
  await ask("w1");
  clock.now += 50_000;
  const report = await reportTrial(
    deps,
    study,
    0,
    { attempt: 1, step: 2, values: { accuracy: 0.4 } },
    noReceipt,
  );
  expect(report).toMatchObject({ decision: "continue", leaseExpires: "2026-11-23T12:01:50.000Z" });
  await reportTrial(deps, study, 0, { attempt: 1, step: 10, values: { accuracy: 0.6 } }, noReceipt);
  await reportTrial(deps, study, 0, { attempt: 1, step: 10, values: { accuracy: 0.61 } }, noReceipt);
  clock.now += 50_000;
  await heartbeatTrial(deps, study, 0, { attempt: 1 }, noReceipt);
  clock.now += 50_000;
  expect((await ask("w2")).trials[0]?.number).toBe(1);
  expect(
    (await readTrial(deps, study, 0)).reports.map(({ step, values }) => [step, values.accuracy]),
  ).toEqual([
    [2, 0.4],
    [10, 0.61],
  ]);
});
