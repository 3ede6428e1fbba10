import { expect, test } from "vitest";
import { isDispatchOn, switchDispatch } from "../../../shared/store/dispatch-switch.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

test("jobs are dispatched until the switch is turned off, and again when it is turned on", async () => {
  expect(await isDispatchOn(store)).toBe(true);
  await store.transact([switchDispatch(false)]);
  expect(await isDispatchOn(store)).toBe(false);
  await store.transact([switchDispatch(true)]);
  expect(await isDispatchOn(store)).toBe(true);
});
