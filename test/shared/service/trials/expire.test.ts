import { expect, test } from "vitest";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("a trial that lost its last attempt fails with a reason, and the study finishes", async () => {
  const { clock, ask, deps, study } = await setUp({ budget: { trials: 1 } });
  await ask("w1");
  clock.now += 60_001;
  await ask("w2");
  clock.now += 60_001;
  const read = await readStudy(deps, study);
  expect(read).toMatchObject({ state: "finished", trials: { failed: 1, running: 0 } });
  expect((await readTrial(deps, study, 0)).reason).toContain("All 2 attempts were lost");
  expect(await ask("w3")).toEqual({ trials: [], state: "finished", retryAfter: null });
});
