import { expect, test } from "vitest";
import { createRounds } from "../../../functions/rounds/index.ts";
import { brackets } from "../../../infra/machines/brackets.ts";
import { halving } from "../../../infra/machines/halving.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { batchWorld, halvingScheduler } from "../../support/batch.ts";

const halvingWorld = async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 2 } });
  await world.start();
  return { world, handler: createRounds(() => world.deps) };
};

test("each step is answered with what the machines read of it", async () => {
  const { world, handler } = await halvingWorld();
  const start = { study: world.study.id, generation: 1 };
  const at = { ...start, bracket: 0, rung: 0 };
  const replies = {
    plan: await handler({ action: "plan", ...start, bracket: 0, begun: 0 }),
    open: await handler({ action: "open", ...at, parallel: 2 }),
    list: await handler({ action: "list", ...at, chunk: 0, of: 1 }),
    close: await handler({ action: "close", ...at }),
  };
  const arns = { rounds: "arn:rounds", halving: "arn:halving", queue: "https://queue" };
  const text = JSON.stringify([brackets(arns), halving(arns)]);
  for (const [action, reply] of Object.entries(replies)) {
    const fields = [...text.matchAll(new RegExp(`\\.${action}\\.(\\w+)`, "g"))].map(
      ([, field]) => field ?? "",
    );
    expect(fields.length, action).toBeGreaterThan(1);
    expect(Object.keys(reply ?? {}), action).toEqual(expect.arrayContaining(fields));
  }
});

test("a machine that fails marks its study", async () => {
  const { world, handler } = await halvingWorld();
  const request = { study: world.study.id, generation: 1, rung: 0 };
  expect(await handler({ action: "fail", ...request, reason: "States.TaskFailed" })).toBeNull();
  expect((await readStudy(world.deps, world.study)).message).toContain("States.TaskFailed");
});

test("a failure that no rung is to blame for is marked, too", async () => {
  const { world, handler } = await halvingWorld();
  await handler({ action: "fail", study: world.study.id, generation: 1, reason: "States.Timeout" });
  expect((await readStudy(world.deps, world.study)).message).toBe(
    "The rounds failed (States.Timeout). Start the study again to continue.",
  );
});

test("a request that does not match the schema is refused", async () => {
  const { handler } = await halvingWorld();
  await expect(handler({ action: "promote", study: "x", generation: 1, rung: 0 })).rejects.toThrow();
});
