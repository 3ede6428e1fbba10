import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../shared/schemas/problem.ts";
import { memoryWorld } from "../support/batch.ts";
import { callerAs } from "../support/callers.ts";
import { type Gateway, gateway } from "../support/gateway.ts";
import { TEAM } from "../support/service.ts";

/** Each body of a study in `examples/` is one that the API accepts, as it stands there. */

const root = join(import.meta.dirname, "../..");
const files = globSync("examples/**/*.json", { cwd: root }).filter((file) => {
  const body: unknown = JSON.parse(readFileSync(join(root, file), "utf8"));
  return typeof body === "object" && body !== null && "space" in body;
});

let call: Gateway;
beforeAll(async () => {
  call = gateway((await memoryWorld()).deps);
});

test("there are such bodies", () => {
  expect(files.length).toBeGreaterThan(4);
});

test.each(files)("%s", async (file) => {
  const body = JSON.parse(readFileSync(join(root, file), "utf8"));
  const reply = await call<Problem>("POST", `/v1/teams/${TEAM}/studies`, {
    caller: callerAs("editor"),
    body,
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
});
