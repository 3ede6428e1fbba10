import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AskReply } from "../../../shared/schemas/trial.ts";
import { memoryWorld } from "../../support/batch.ts";
import { gateway } from "../../support/gateway.ts";
import { callsOf, type StoredStudy, storedKinds } from "../../support/stored-studies.ts";

const folder = new URL("../../fixtures/studies/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".fixture.json"));

const restored = async (name: string) => {
  const { study, now, items, answers } = JSON.parse(
    readFileSync(new URL(name, folder), "utf8"),
  ) as StoredStudy;
  const world = await memoryWorld();
  world.table.restore(items);
  world.clock.now = now;
  return { world, answers, ...callsOf(gateway(world.deps), study) };
};

test("every kind of study is kept in some stored form", () => {
  for (const kind of storedKinds)
    expect(names.filter((name) => name.startsWith(`${kind}-`))).not.toHaveLength(0);
});

test.each(names)("%s is read as it was when it was stored", async (name) => {
  const { answers, get } = await restored(name);
  for (const [path, answer] of Object.entries(answers)) expect(await get(path), path).toMatchObject(answer);
});

test.each(names)("%s goes on from where it was", async (name) => {
  const { world, get, ask, tell } = await restored(name);
  const completed = async () =>
    ((await get("")) as { readonly trials: { readonly completed: number } }).trials.completed;
  const before = await completed();
  const [running] = await ask();
  expect(running).toMatchObject({ attempt: 1 });
  expect(await tell(running!, 0.5)).toBe(200);
  world.clock.now += 1000;
  const next: AskReply["trials"] = await ask();
  expect(next).toHaveLength(1);
  expect(next[0]?.number).not.toBe(running?.number);
  expect(await tell(next[0]!, 0.5)).toBe(200);
  expect(await completed()).toBe(before + 2);
});
