import { expect, test } from "vitest";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();

test("a study is read with its progress and its best trial", async () => {
  const { ask, tell, deps, study } = await clientWorld(table);
  await ask(undefined, 3);
  await tell(0, 0.5);
  await tell(1, 0.7);
  await addTrials(deps, study, { trials: [{ params: { C: 1, gamma: 0.1 } }] }, noReceipt);
  expect(await readStudy(deps, study)).toMatchObject({
    study: study.id,
    state: "running",
    trials: { completed: 2, running: 1, queued: 1 },
    best: [{ number: 1, values: { accuracy: 0.7 } }],
  });
});

test("a read ends the trials whose last lease has expired, so that the study finishes", async () => {
  const { clock, ask, deps, study, trial } = await clientWorld(table, {
    budget: { trials: 1 },
    lease: { seconds: 60, maxAttempts: 1 },
  });
  await ask("w1");
  clock.now += 60_000;
  expect(await readStudy(deps, study)).toMatchObject({ state: "finished", trials: { failed: 1 } });
  expect(await trial(0)).toMatchObject({ state: "failed", leaseExpires: null });
});

test("a study that is deleted cannot be read, by a process that still knows it either", async () => {
  const { deps, process, study } = await clientWorld(table);
  await deleteStudy(process(), study, noReceipt);
  await expect(readStudy(deps, study)).rejects.toMatchObject({
    type: "study-not-found",
    facts: { study: study.id },
  });
});
