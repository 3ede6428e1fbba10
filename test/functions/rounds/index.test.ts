import { expect, test } from "vitest";
import { createRounds } from "../../../functions/rounds/index.ts";
import { halving } from "../../../infra/machines/halving.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { batchWorld, halvingScheduler } from "../../support/batch.ts";

const halvingWorld = async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 2 } });
  await world.start();
  return { world, handler: createRounds(() => world.deps) };
};

test("the replies have the fields that the state machine reads", async () => {
  const { world, handler } = await halvingWorld();
  const request = { study: world.study.id, generation: 1, rung: 0 };
  const opened = await handler({ action: "open", ...request });
  const closed = await handler({ action: "close", ...request });
  const text = JSON.stringify(halving({ rounds: "arn:rounds", queue: "https://queue" }));
  const read = (name: string) => [
    ...new Set([...text.matchAll(new RegExp(`\\.${name}\\.(\\w+)`, "g"))].map((match) => match[1] ?? "")),
  ];
  expect(read("open").sort()).toEqual(["done", "parallel", "rung", "timeoutSeconds", "trials"]);
  expect(Object.keys(opened ?? {})).toEqual(expect.arrayContaining(read("open")));
  expect(Object.keys(closed ?? {})).toEqual(expect.arrayContaining(read("close")));
});

test("a machine that fails marks its study", async () => {
  const { world, handler } = await halvingWorld();
  const request = { study: world.study.id, generation: 1, rung: 0 };
  expect(await handler({ action: "fail", ...request, reason: "States.TaskFailed" })).toBeNull();
  expect((await readStudy(world.deps, world.study)).message).toContain("States.TaskFailed");
});

test("a request that does not match the schema is refused", async () => {
  const { handler } = await halvingWorld();
  await expect(handler({ action: "promote", study: "x", generation: 1, rung: 0 })).rejects.toThrow();
});
