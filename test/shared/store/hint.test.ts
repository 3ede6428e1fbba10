import { expect, test } from "vitest";
import { MOST_HINTED, putHint, readHint } from "../../../shared/store/hint.ts";
import { hintKey } from "../../../shared/store/keys.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

type Hint = Parameters<typeof putHint>[1];
const keep = (study: string, hint: Hint) => store.update(putHint(study, hint, NOON));
const kept = async (study: string) => {
  const item = await store.get(hintKey(study));
  return item === null ? null : readHint(item);
};

test("a hint reads back as it was, its numbers as 32-bit floats", async () => {
  const values = [0.5, -3, 1e-3, 2 ** 20];
  await keep("study-a", { algorithm: "gp", revision: 2, trials: 10, values });
  expect(await kept("study-a")).toEqual({
    algorithm: "gp",
    revision: 2,
    trials: 10,
    values: values.map(Math.fround),
  });
  await keep("study-b", { algorithm: "gp", revision: 1, trials: 1, values: [] });
  expect((await kept("study-b"))?.values).toEqual([]);
});

test("a hint of as many numbers as are kept fits", async () => {
  const values = Array.from({ length: MOST_HINTED }, (_, i) => i);
  await keep("study-c", { algorithm: "gp", revision: 1, trials: 1, values });
  expect((await kept("study-c"))?.values).toEqual(values);
});

test("a hint replaces one of fewer trials, and none of as many or more", async () => {
  const hint = { algorithm: "gp", revision: 1, trials: 10, values: [1] };
  await keep("study-d", hint);
  for (const trials of [10, 9]) {
    await expect(keep("study-d", { ...hint, trials, values: [2] })).rejects.toEqual(
      expect.objectContaining({ names: new Set(["hint"]) }),
    );
  }
  expect(await kept("study-d")).toEqual(hint);
  await keep("study-d", { ...hint, trials: 11 });
  expect((await kept("study-d"))?.trials).toBe(11);
});

test("a hint of another algorithm, or of another revision, gives way to one of fewer trials", async () => {
  for (const hint of [
    { algorithm: "gp", revision: 1, trials: 1000, values: [1, 2] },
    { algorithm: "smac", revision: 1, trials: 10, values: [3] },
    { algorithm: "smac", revision: 2, trials: 5, values: [] },
  ]) {
    await keep("study-e", hint);
    expect(await kept("study-e")).toEqual(hint);
  }
});

test("every hint expires, 90 days after it was put", async () => {
  await keep("study-f", { algorithm: "gp", revision: 1, trials: 1, values: [] });
  expect((await store.get(hintKey("study-f")))?.ttl).toBe(NOON / 1000 + 90 * 24 * 3600);
});

test.each([
  ["values that are no bytes", { algorithm: "gp", revision: 1, trials: 1, values: "what?" }],
  ["half a number", { algorithm: "gp", revision: 1, trials: 1, values: new Uint8Array(6) }],
  ["no algorithm", { revision: 1, trials: 1, values: new Uint8Array(4) }],
  ["no revision", { algorithm: "gp", trials: 1, values: new Uint8Array(4) }],
  ["no trials", { algorithm: "gp", revision: 1, values: new Uint8Array(4) }],
])("a hint with %s is none", (_, item) => {
  expect(readHint(item as Parameters<typeof readHint>[0])).toBeNull();
});
