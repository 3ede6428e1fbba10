import { expect, test } from "vitest";
import {
  findSession,
  newSession,
  removeSession,
  SESSION,
  type SessionItem,
} from "../../../shared/store/session.ts";
import { ConditionFailed } from "../../../shared/store/store.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const session = (id: string): SessionItem => ({
  team: "acme",
  id,
  study: "svm-1",
  role: "worker",
  created: 1_764_158_400_000,
  expires: 1_764_158_400_000 + 900_001,
  maker: { kind: "iam", id: "arn:aws:sts::000000000000:assumed-role/hone-team-acme/alice" },
});

test("a session is found in its team as it was stored, and goes when DynamoDB gets to it", async () => {
  await store.transact(newSession(session("aaaaaaaaaaaa")));
  expect(await findSession(store, "acme", "aaaaaaaaaaaa")).toEqual(session("aaaaaaaaaaaa"));
  expect(await findSession(store, "other", "aaaaaaaaaaaa")).toBeNull();
  const stored = await store.get({ pk: "TEAM#acme", sk: "SESSION#aaaaaaaaaaaa" });
  expect(stored?.ttl).toBe(1_764_158_400 + 901);
});

test("a session is made once and removed once", async () => {
  const name = async (work: Promise<unknown>) =>
    work.catch((error: unknown) => error instanceof ConditionFailed && [...error.names]);
  await store.transact(newSession(session("bbbbbbbbbbbb")));
  expect(await name(store.transact(newSession(session("bbbbbbbbbbbb"))))).toEqual([SESSION]);
  await store.transact([removeSession("acme", "bbbbbbbbbbbb")]);
  expect(await findSession(store, "acme", "bbbbbbbbbbbb")).toBeNull();
  expect(await name(store.transact([removeSession("acme", "bbbbbbbbbbbb")]))).toEqual([SESSION]);
});
