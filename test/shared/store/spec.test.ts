import { expect, test } from "vitest";
import { findSpec, newSpec } from "../../../shared/store/spec.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { STUDY, specOf } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

test("what the client asked for reads back as it was", async () => {
  const spec = specOf({ space: { x: { type: "float", low: 5e-324, high: 0.1 + 0.2 } } });
  await store.transact([newSpec(STUDY, spec)]);
  expect(await findSpec(store, STUDY)).toEqual(spec);
});

test("there is no spec of a study that does not exist", async () => {
  expect(await findSpec(store, "no-such-study")).toBeNull();
});
