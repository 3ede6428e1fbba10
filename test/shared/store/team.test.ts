import { expect, test } from "vitest";
import { teamKey, teamMinuteKey } from "../../../shared/store/keys.ts";
import type { Change } from "../../../shared/store/store.ts";
import {
  countCreation,
  countStudy,
  hasTeam,
  MAX_CREATIONS_A_MINUTE,
  MAX_STUDIES,
  MINUTE_MS,
  newTeam,
  TEAM,
  TEAM_CAP,
  TEAM_RATE,
  uncountStudy,
} from "../../../shared/store/team.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const failsAs = (...names: string[]) => expect.objectContaining({ names: new Set(names) });
const studiesOf = async (team: string) => (await store.get(teamKey(team)))?.studies;
const filled = (team: string, studies: number): Change => ({
  name: "fill",
  key: teamKey(team),
  put: { studies },
});
const busy = (team: string, creations: number): Change => ({
  name: "fill",
  key: teamMinuteKey(team, NOON / MINUTE_MS),
  put: { creations },
});

test("a team is created once", async () => {
  expect(await hasTeam(store, "acme")).toBe(false);
  await store.transact([newTeam("acme", NOON)]);
  expect(await hasTeam(store, "acme")).toBe(true);
  await expect(store.transact([newTeam("acme", NOON + 1)])).rejects.toEqual(failsAs(TEAM));
});

test("a team whose studies were counted before it was created can still be created, with its count", async () => {
  await store.transact(countStudy("early", NOON));
  expect(await hasTeam(store, "early")).toBe(false);
  await store.transact([newTeam("early", NOON)]);
  expect(await studiesOf("early")).toBe(1);
});

test("studies count up to the team's cap; one that is deleted makes room for another", async () => {
  await store.transact([filled("full", MAX_STUDIES - 1)]);
  await store.transact(countStudy("full", NOON));
  expect(await studiesOf("full")).toBe(MAX_STUDIES);
  await expect(store.transact(countStudy("full", NOON + MINUTE_MS))).rejects.toEqual(failsAs(TEAM_CAP));
  await store.transact([uncountStudy("full")]);
  await store.transact(countStudy("full", NOON + MINUTE_MS));
  expect(await studiesOf("full")).toBe(MAX_STUDIES);
});

test("studies and tokens share one rate per minute, and the next minute begins at nothing", async () => {
  await store.transact([busy("fast", MAX_CREATIONS_A_MINUTE - 2)]);
  await store.transact(countStudy("fast", NOON));
  await store.transact([countCreation("fast", NOON + MINUTE_MS - 1)]);
  await expect(store.transact([countCreation("fast", NOON)])).rejects.toEqual(failsAs(TEAM_RATE));
  await expect(store.transact(countStudy("fast", NOON))).rejects.toEqual(failsAs(TEAM_RATE));
  expect(await studiesOf("fast")).toBe(1);
  await store.transact([countCreation("fast", NOON + MINUTE_MS)]);
});

test("both limits are named when both are met", async () => {
  await store.transact([filled("both", MAX_STUDIES), busy("both", MAX_CREATIONS_A_MINUTE)]);
  await expect(store.transact(countStudy("both", NOON))).rejects.toEqual(failsAs(TEAM_CAP, TEAM_RATE));
});

test("the count of a minute expires soon after it", async () => {
  await store.transact([countCreation("soon", NOON + 59_999)]);
  const item = await store.get(teamMinuteKey("soon", NOON / MINUTE_MS));
  expect(item?.ttl).toBe(NOON / 1000 + 120);
});
