import { expect, test } from "vitest";
import { putMember } from "../../../../shared/service/access/members.ts";
import { readTeam } from "../../../../shared/service/access/read-team.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { batchWorld } from "../../../support/batch.ts";
import { makeStudy, noReceipt, TEAM } from "../../../support/service.ts";

test("a team is read with its studies and owners, each as many as there are now", async () => {
  const { deps } = await batchWorld({});
  await createTeam(deps, TEAM);
  const study = await makeStudy(deps);
  await putMember(deps, TEAM, { name: "ann", role: "owner" }, "admin", noReceipt);
  await putMember(deps, TEAM, { name: "ben", role: "viewer" }, "admin", noReceipt);
  const shown = { team: TEAM, created: new Date(deps.clock()).toISOString(), owners: 1 };
  expect(await readTeam(deps, TEAM)).toEqual({ ...shown, studies: 2 });
  await deleteStudy(deps, study, noReceipt);
  expect(await readTeam(deps, TEAM)).toMatchObject({ studies: 1 });
});

test("a team that was never created is not found, even if studies were counted for it", async () => {
  const { deps } = await batchWorld({});
  for (const team of ["nobody", TEAM]) {
    await expect(readTeam(deps, team)).rejects.toMatchObject({
      type: "not-found",
      facts: { kind: "no-team" },
    });
  }
});
