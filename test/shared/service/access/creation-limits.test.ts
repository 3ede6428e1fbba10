import { expect, test } from "vitest";
import { creationRefusals } from "../../../../shared/service/access/creation-limits.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken } from "../../../../shared/service/access/tokens.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { teamKey, teamMinuteKey } from "../../../../shared/store/keys.ts";
import {
  MAX_CREATIONS_A_MINUTE,
  MAX_STUDIES,
  MINUTE_MS,
  TEAM_CAP,
  TEAM_RATE,
} from "../../../../shared/store/team.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { noReceipt, studyBody, testDeps } from "../../../support/service.ts";
import { NOON } from "../../../support/study.ts";

const { client, tableName } = await createTestTable();
const clock = { now: NOON };
const deps = testDeps(client, tableName, clock);

const study = (team: string) => createStudy(deps, team, studyBody(), noReceipt);
const token = (team: string) =>
  createToken(deps, team, { name: "nightly", role: "viewer" }, "admin", noReceipt);

test("a team at its cap is told how many studies it may have, and may still create tokens", async () => {
  await createTeam(deps, "full");
  await deps.store.transact([
    { name: "fill", key: teamKey("full"), update: { set: { studies: MAX_STUDIES } } },
  ]);
  await expect(study("full")).rejects.toMatchObject({
    type: "rate-limited",
    retryAfter: 3600,
    facts: { kind: "too-many-studies", most: MAX_STUDIES },
  });
  await token("full");
});

test("a team that creates too fast is told to wait for the next minute, studies and tokens together", async () => {
  await createTeam(deps, "fast");
  clock.now = NOON + 48_000;
  await deps.store.transact([
    {
      name: "fill",
      key: teamMinuteKey("fast", NOON / MINUTE_MS),
      put: { creations: MAX_CREATIONS_A_MINUTE - 2 },
    },
  ]);
  await study("fast");
  await token("fast");
  const refused = {
    type: "rate-limited",
    retryAfter: 12,
    facts: { kind: "too-many-creations", most: MAX_CREATIONS_A_MINUTE },
  };
  await expect(study("fast")).rejects.toMatchObject(refused);
  await expect(token("fast")).rejects.toMatchObject(refused);
  clock.now = NOON + MINUTE_MS;
  await token("fast");
  clock.now = NOON;
});

test("the time until the next minute is rounded up, so that a retry is not too early", () => {
  const refusal = (now: number) => creationRefusals(now)[TEAM_RATE]?.();
  expect(refusal(NOON)).toMatchObject({ retryAfter: 60 });
  expect(refusal(NOON + 1)).toMatchObject({ retryAfter: 60 });
  expect(refusal(NOON + MINUTE_MS - 1)).toMatchObject({ retryAfter: 1 });
  expect(creationRefusals(NOON)[TEAM_CAP]?.()).toMatchObject({ type: "rate-limited" });
});
