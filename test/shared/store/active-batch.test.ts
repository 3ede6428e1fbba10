import { expect, test } from "vitest";
import { activateBatch, deactivateBatch, listActiveBatches } from "../../../shared/store/active-batch.ts";
import { newDeletion } from "../../../shared/store/deletion.ts";
import { switchDispatch } from "../../../shared/store/dispatch-switch.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

test("a study is visited from its activation to its deactivation, once, with what its last stop said", async () => {
  // Neighbours in the same partition are not mistaken for it.
  await store.transact([
    newDeletion({ study: "study-d", team: "acme", created: 1, at: 1 }),
    switchDispatch(true),
  ]);
  expect(await listActiveBatches(store)).toEqual([]);
  await store.transact([activateBatch("study-a"), activateBatch("study-b", true)]);
  await store.transact([activateBatch("study-a", true)]);
  await store.transact([activateBatch("study-a")]);
  expect(await listActiveBatches(store)).toEqual([
    { study: "study-a", drain: false },
    { study: "study-b", drain: true },
  ]);
  await store.transact([deactivateBatch("study-a")]);
  await store.transact([deactivateBatch("study-a")]);
  expect(await listActiveBatches(store)).toEqual([{ study: "study-b", drain: true }]);
});
