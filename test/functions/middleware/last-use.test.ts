import { type DynamoDBClient, type GetItemCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { beforeEach, expect, test } from "vitest";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken } from "../../../shared/service/access/tokens.ts";
import { findToken, USE_NOTED_MS } from "../../../shared/store/token.ts";
import { injectFaults } from "../../support/faults.ts";
import { gateway } from "../../support/gateway.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { noReceipt, TEAM, testDeps } from "../../support/service.ts";

const { client, tableName } = createMemoryTable();
const clock = { now: Date.UTC(2026, 10, 23) };
const deps = testDeps(client, tableName, clock);
const call = gateway(deps);
let id = "";
let token = "";

beforeEach(async () => {
  await createTeam(deps, TEAM).catch(() => {});
  ({ id, token } = await createToken(deps, TEAM, { name: "test", role: "viewer" }, "admin", noReceipt));
});

const used = async () => (await findToken(deps.store, TEAM, id))?.used;
const read = (path = "/studies") => call("GET", `/v1/teams/${TEAM}${path}`, { token });
/** What was written meanwhile. */
const writesOf = async (
  run: () => Promise<unknown>,
  fault: "none" | "throttle" = "none",
): Promise<number> => {
  let writes = 0;
  const restore = injectFaults(client, (command) => {
    if (command !== "UpdateItemCommand") return "none";
    writes++;
    return fault;
  });
  await run();
  restore();
  return writes;
};

test("a token's use is noted once in some minutes, also when the request is refused", async () => {
  expect(await used()).toBeNull();
  expect(await writesOf(() => read("/studies/gone-study"))).toBe(1);
  expect(await used()).toBe(clock.now);
  clock.now += USE_NOTED_MS - 1;
  expect(await writesOf(() => read())).toBe(0);
  clock.now += 1;
  expect(await writesOf(() => read())).toBe(1);
  expect(await used()).toBe(clock.now);
});

test("a note that fails fails no request", async () => {
  await writesOf(async () => expect((await read()).status).toBe(200), "throttle");
  expect(await used()).toBeNull();
});

test("a note that takes long holds no reply up for long", async () => {
  const send = (command: unknown) =>
    command instanceof UpdateItemCommand ? new Promise(() => {}) : client.send(command as GetItemCommand);
  const slow = gateway(testDeps({ send } as unknown as DynamoDBClient, tableName, clock));
  const began = performance.now();
  expect((await slow("GET", `/v1/teams/${TEAM}/studies`, { token })).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(2000);
});

test("a stranger's request leaves no note", async () => {
  const forged = `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`;
  expect(await writesOf(() => call("GET", `/v1/teams/${TEAM}/studies`, { token: forged }))).toBe(0);
});
