import { expect, test } from "vitest";
import { callerAs } from "../../support/callers.ts";
import { gateway } from "../../support/gateway.ts";
import { TEAM, testDeps } from "../../support/service.ts";

const caller = callerAs("owner");
const list = `/v1/teams/${TEAM}/studies`;

test("a request that takes too long is a 503 with Retry-After before the Lambda times out", async () => {
  const client = { send: () => new Promise(() => {}) };
  const call = gateway(testDeps(client as never, "table"));
  const { status, body, headers } = await call("GET", list, { caller, remainingMs: 2050 });
  expect([status, body.type, headers["retry-after"]]).toEqual([503, "unavailable", "2"]);
  expect(body.retry).toBe(true);
});

test("a table that stays throttled is a 503 with Retry-After", async () => {
  const busy = Object.assign(new Error("slow down"), { name: "ProvisionedThroughputExceededException" });
  const call = gateway(testDeps({ send: () => Promise.reject(busy) } as never, "table"));
  const { status, body, headers } = await call("GET", list, { caller });
  expect([status, body.type, headers["retry-after"]]).toEqual([503, "unavailable", "2"]);
  expect(JSON.stringify(body)).not.toContain("Throughput");
});
