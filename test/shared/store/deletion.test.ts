import { expect, test } from "vitest";
import { activateBatch } from "../../../shared/store/active-batch.ts";
import { listDeletions, newDeletion } from "../../../shared/store/deletion.ts";
import { deletionKey } from "../../../shared/store/keys.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

test("a study that is being deleted is found until its item is gone", async () => {
  const a = { study: "study-a", team: "acme", created: 7, at: 1_700_000_000_000 };
  const b = { study: "study-b", team: "other", created: null, at: 5 };
  await store.transact([activateBatch("study-x")]);
  expect(await listDeletions(store)).toEqual([]);
  await store.transact([newDeletion(a), newDeletion(b)]);
  expect(await listDeletions(store)).toEqual([a, b]);
  await store.removeAll([deletionKey("study-a")]);
  expect(await listDeletions(store)).toEqual([b]);
});

test("a deletion of an older version, without its time, is as old as can be", async () => {
  await store.transact([{ name: "old", key: deletionKey("study-old"), put: { team: "acme" } }]);
  expect(await listDeletions(store)).toContainEqual({
    study: "study-old",
    team: "acme",
    created: null,
    at: 0,
  });
});
