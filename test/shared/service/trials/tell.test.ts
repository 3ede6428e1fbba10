import { expect, test } from "vitest";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("a late tell counts while nobody else has the trial", async () => {
  const { clock, ask, tell } = await setUp();
  await ask("w1");
  clock.now += 3_600_000;
  expect(await tell(0, 0.5)).toEqual({ number: 0, state: "completed" });
});

test("a metric told as nan fails the trial with a reason; the same tell again is answered alike", async () => {
  const { ask, deps, study } = await setUp();
  await ask("w1");
  const body = { attempt: 1, values: { accuracy: "nan" as const } };
  const reply = { number: 0, state: "failed" };
  expect(await tellTrial(deps, study, 0, body, noReceipt)).toEqual(reply);
  expect(await tellTrial(deps, study, 0, body, noReceipt)).toEqual(reply);
  await expect(
    tellTrial(deps, study, 0, { attempt: 1, values: { accuracy: 1 } }, noReceipt),
  ).rejects.toMatchObject({ type: "already-told" });
  expect((await readTrial(deps, study, 0)).reason).toBe('The metric accuracy was told as "nan".');
});

test.each([1e20, 1e300, 5e-324, Number.MAX_VALUE, 0.1 + 0.2, -1.5e-310])(
  "the metric %d reads back bit for bit",
  async (accuracy) => {
    const { ask, tell, deps, study } = await setUp();
    await ask("w1");
    await tell(0, accuracy);
    expect((await readTrial(deps, study, 0)).values).toEqual({ accuracy });
    expect((await readStudy(deps, study)).best[0]?.values).toEqual({ accuracy });
  },
);
