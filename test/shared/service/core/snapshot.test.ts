import { expect, test } from "vitest";
import { findSnapshot, readSnapshot } from "../../../../shared/service/core/snapshot.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { changeHead, markDeleting } from "../../../../shared/store/head.ts";
import { putHint } from "../../../../shared/store/hint.ts";
import { encodeSegment, newSegment } from "../../../../shared/store/segment.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { commandsOf } from "../../../support/interleave.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();

test("a snapshot holds the head, the hint and the unfolded trials, read in one query", async () => {
  const { ask, deps, study, clock } = await clientWorld(table);
  await ask(undefined, 2);
  const hint = { algorithm: "gp", revision: 1, trials: 5, values: [1] } as const;
  await deps.store.update(putHint(study.id, hint, clock.now));
  const commands = await commandsOf(table.client, async () => {
    const snapshot = await readSnapshot(deps, study);
    expect(snapshot).toMatchObject({ study, head: { next: 2 }, hint });
    expect(snapshot.trials.map(({ number }) => number)).toEqual([0, 1]);
  });
  expect(commands).toEqual(["QueryCommand"]);
});

test("trials that a segment holds already count once, until they are swept from the tail", async () => {
  const { ask, tell, deps, study } = await clientWorld(table);
  await ask(undefined, 3);
  await tell(0, 0.1);
  await tell(1, 0.2);
  const { head, trials } = await readSnapshot(deps, study);
  // The first half of a fold: the segment is there, the tail is not swept.
  await deps.store.transact([
    changeHead(head, { segments: 1, unswept: 0 }),
    newSegment(study.id, 0, encodeSegment(study.space, trials.slice(0, 2))),
  ]);
  expect((await readSnapshot(deps, study)).trials.map(({ number }) => number)).toEqual([2]);
});

test("a study that is being deleted is gone, for callers with an error and for others as nothing", async () => {
  const { deps, study } = await clientWorld(table);
  await deps.store.update(markDeleting(study.id));
  await expect(readSnapshot(deps, study)).rejects.toMatchObject({
    type: "study-not-found",
    facts: { study: study.id },
  });
  expect(await findSnapshot(deps, study)).toBeNull();
});

test("so is one of which nothing is left", async () => {
  const { deps, study } = await clientWorld(table);
  await deleteStudy(deps, study, noReceipt);
  await expect(readSnapshot(deps, study)).rejects.toMatchObject({ type: "study-not-found" });
  expect(await findSnapshot(deps, study)).toBeNull();
});
