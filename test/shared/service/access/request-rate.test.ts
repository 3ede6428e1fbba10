import { expect, test } from "vitest";
import { takeRequest, WINDOW_MS } from "../../../../shared/service/access/request-rate.ts";
import { injectFaults, retryAtOnce } from "../../../support/faults.ts";
import { commandsOf } from "../../../support/interleave.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { testDeps } from "../../../support/service.ts";

const clock = { now: Date.parse("2026-11-23T12:00:00Z") };

/** Processes of one deployment, which allows so many requests a second. */
const deployment = (teamRate: number, processes: number) => {
  const { client, tableName } = createMemoryTable();
  const all = Array.from({ length: processes }, () => testDeps(client, tableName, clock, { teamRate }));
  /** Requests one after the other, each to the next process. @returns how many passed. */
  const send = async (requests: number, team = "acme") => {
    let passed = 0;
    for (let i = 0; i < requests; i++) {
      const answer = await takeRequest(all[i % processes]!, team).then(
        () => null,
        (error) => error,
      );
      if (answer === null) passed++;
      else expect(answer).toMatchObject({ type: "rate-limited" });
    }
    return passed;
  };
  return { client, all, send };
};

test("a team's requests are held to the limit over all processes, but for 50 of each, and the next window begins anew", async () => {
  const { send } = deployment(200, 4);
  const passed = await send(4000);
  expect(passed).toBeGreaterThanOrEqual(2000);
  expect(passed).toBeLessThanOrEqual(2000 + 4 * 50);
  expect(await send(100)).toBe(0);
  clock.now += WINDOW_MS;
  expect(await send(100)).toBe(100);
});

test("another team is not held up", async () => {
  const { send } = deployment(20, 2);
  expect(await send(400)).toBeLessThan(400);
  expect(await send(100, "other")).toBe(100);
});

test("a small limit holds in steps of a twentieth", async () => {
  const { send } = deployment(1, 3);
  const passed = await send(100);
  expect(passed).toBeGreaterThanOrEqual(10);
  expect(passed).toBeLessThanOrEqual(10 + 3);
});

test("one process lets exactly the limit pass, and holds to it when the table does not answer, too", async () => {
  expect(await deployment(203, 1).send(2500)).toBe(2030);
  const { client, send } = deployment(1, 1);
  expect(await send(30)).toBe(10);
  clock.now += WINDOW_MS;
  retryAtOnce(client);
  const restore = injectFaults(client, () => "throttle");
  expect(await send(30)).toBe(10);
  restore();
});

test("who is refused hears when the window ends", async () => {
  const { send, all } = deployment(1, 1);
  clock.now = Math.ceil(clock.now / WINDOW_MS) * WINDOW_MS + 4000;
  await send(20);
  await expect(takeRequest(all[0]!, "acme")).rejects.toMatchObject({ retryAfter: 6 });
});

test("most requests write nothing: one in fifty, and none of a team that makes few", async () => {
  const { client, send } = deployment(500, 1);
  expect(await commandsOf(client, () => send(49))).toEqual([]);
  clock.now += WINDOW_MS;
  expect(await commandsOf(client, () => send(1000))).toHaveLength(20);
});

test("a request passes when the table does not answer", async () => {
  const { client, send } = deployment(500, 1);
  const restore = injectFaults(client, () => "throttle");
  expect(await send(120)).toBe(120);
  restore();
});
