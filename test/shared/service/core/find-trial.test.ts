import { expect, test } from "vitest";
import { findTrial, trialFinder } from "../../../../shared/service/core/find-trial.ts";
import { markDeleting } from "../../../../shared/store/head.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { commandsOf } from "../../../support/interleave.ts";

const table = await createTestTable();

test("an unfolded trial is read beside the head, a folded one is found in its segment", async () => {
  const { process, study, importSegment, ask } = await clientWorld(table);
  await importSegment(60);
  await ask("w1");
  const commands = await commandsOf(table.client, async () => {
    expect(await findTrial(process(), study, 60)).toMatchObject({
      number: 60,
      state: "running",
      worker: "w1",
    });
  });
  expect(commands).toEqual(["GetItemCommand", "GetItemCommand"]);
  expect(await findTrial(process(), study, 7)).toMatchObject({
    number: 7,
    state: "completed",
    values: { accuracy: 7 },
  });
});

test("a number that was never given is no trial", async () => {
  const { deps, study } = await clientWorld(table);
  await expect(findTrial(deps, study, 0)).rejects.toMatchObject({
    type: "trial-not-found",
    facts: { trial: 0 },
  });
});

test("a trial of a study that is being deleted is not found, neither in a segment nor while its item is still there", async () => {
  const { deps, study, importSegment, ask } = await clientWorld(table);
  await importSegment(60);
  await ask();
  await deps.store.update(markDeleting(study.id));
  for (const number of [7, 60]) {
    await expect(findTrial(deps, study, number)).rejects.toMatchObject({ type: "study-not-found" });
  }
});

test("all trials of a snapshot are found by their numbers, in any order", async () => {
  const { deps, snapshot, importSegment, ask } = await clientWorld(table);
  await importSegment(60);
  await importSegment(50);
  await ask(undefined, 2);
  const find = await trialFinder(deps, await snapshot());
  const found = [111, 0, 60, 109, 59, 110].map((number) => find(number));
  expect(found.map((trial) => [trial?.number, trial?.state])).toEqual([
    [111, "running"],
    [0, "completed"],
    [60, "completed"],
    [109, "completed"],
    [59, "completed"],
    [110, "running"],
  ]);
  expect(find(112)).toBeNull();
});
