import { expect, test } from "vitest";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { hasTeam } from "../../../../shared/store/team.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { makeStudy, TEAM, testDeps } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const deps = testDeps(client, tableName);

test("a team is created once, and a second creation says so", async () => {
  await createTeam(deps, "alpha");
  expect(await hasTeam(deps.store, "alpha")).toBe(true);
  await expect(createTeam(deps, "alpha")).rejects.toMatchObject({
    type: "conflict",
    facts: { kind: "team-exists", team: "alpha" },
  });
});

test("of ten creations at once one succeeds", async () => {
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => createTeam(deps, "beta")));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a team that already counts studies can be created", async () => {
  await makeStudy(deps);
  await createTeam(deps, TEAM);
  expect(await hasTeam(deps.store, TEAM)).toBe(true);
});

test("a creation whose reply was lost succeeds", async () => {
  const restore = injectFaults(client, () => "lost-reply");
  await createTeam(deps, "gamma");
  restore();
});
