import { expect, test } from "vitest";
import { patchBudget, readBudget } from "../../../../shared/service/access/budget.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { noReceipt, TEAM, testDeps } from "../../../support/service.ts";

const { client, tableName } = createMemoryTable();
const deps = testDeps(client, tableName, { now: Date.parse("2026-11-23T12:00:00Z") });

test("a limit that is set to null is removed, and one that is not named stays", async () => {
  const set = async (body: object) => (await patchBudget(deps, TEAM, body, noReceipt)).limits;
  expect(await set({ trials: 3, dollars: 2 })).toEqual({ trials: 3, dollars: 2 });
  expect(await set({ trials: null, gpuHours: 1.5 })).toEqual({ gpuHours: 1.5, dollars: 2 });
  expect((await readBudget(deps, TEAM, {})).limits).toEqual({ gpuHours: 1.5, dollars: 2 });
  expect(await set({ gpuHours: null, dollars: null })).toEqual({});
});
