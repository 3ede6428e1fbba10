import { expect, test } from "vitest";
import { randomLetters } from "../../../../shared/letters.ts";
import type { SessionRole } from "../../../../shared/schemas/credentials.ts";
import type { Role } from "../../../../shared/schemas/token.ts";
import { authenticateIam, type Signer } from "../../../../shared/service/access/authenticate-iam.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../../shared/service/access/tokens.ts";
import { markTeamDeleted } from "../../../../shared/service/teams/delete.ts";
import { putGrant } from "../../../../shared/store/grant.ts";
import { newSession, type SessionItem } from "../../../../shared/store/session.ts";
import { memoryWorld } from "../../../support/batch.ts";
import { holderOf, memberOf } from "../../../support/identities.ts";
import { noReceipt, TEAM } from "../../../support/service.ts";

/** Who a signer is, and what of it is left when it has lost what its session came from. */

const { deps, clock } = await memoryWorld();
for (const team of [TEAM, "other", "doomed"]) await createTeam(deps, team);
const STUDY = "svm-1";

const who = (signer: Signer, change: object = {}) =>
  authenticateIam(deps, signer, { team: TEAM, study: STUDY, ...change });
const refusedAs = (kind: string) => ({ kind: "refused", why: { kind } });

const session = async (change: Partial<SessionItem> = {}): Promise<Signer> => {
  const id = randomLetters(deps.randomBytes, "abcdefghijklmnopqrstuvwxyz234567", 12);
  const made = {
    team: TEAM,
    id,
    study: STUDY,
    role: "editor" as const,
    created: clock.now,
    expires: clock.now + 900_000,
    maker: { kind: "token" as const, id: "abcdefghijkl" },
    ...change,
  };
  await deps.store.transact(newSession(made));
  return holderOf(id);
};
const token = (role: Role | null, change: object = {}, team = TEAM) =>
  createToken(deps, team, { name: "maker", role, ...change }, "admin", noReceipt);
const grant = (id: string, role: Role, study: string | null = STUDY, team = TEAM) =>
  deps.store.transact([
    putGrant({ team, principal: { kind: "iam", id }, study, role, created: 0, createdBy: "admin" }, true),
  ]);

test.each([
  ["of no role", { account: "000000000000", arn: "arn:aws:iam::000000000000:user/ann" }],
  ["of another role", { account: "000000000000", arn: "arn:aws:sts::000000000000:assumed-role/admin/ann" }],
  ["of another account", { ...memberOf(TEAM, "ann", "111122223333"), account: "111122223333" }],
  ["whose ARN names another account", { ...memberOf(TEAM), account: "111122223333" }],
] as const)("a signer %s is unknown", async (_, signer) => {
  expect(await who(signer)).toEqual(refusedAs("identity-unknown"));
});

test("a session of a team's role has what grants give to it, in its own team alone", async () => {
  const signer = memberOf(TEAM, "granted");
  expect(await who(signer)).toMatchObject({
    kind: "iam",
    team: TEAM,
    role: null,
    granted: null,
    study: null,
  });
  await grant(signer.arn, "worker");
  expect(await who(signer)).toMatchObject({ id: signer.arn, granted: "worker" });
  expect(await who(signer, { study: "svm-2" })).toMatchObject({ granted: null });
  await grant(signer.arn, "owner", STUDY, "other");
  // It says whose it is; what that team has given it on another's path counts nothing.
  expect(await who(signer, { team: "other" })).toMatchObject({ team: TEAM, role: null, granted: null });
});

test("what is given to a session and to its role counts together", async () => {
  const role = `arn:aws:iam::000000000000:role/hone-team-${TEAM}`;
  await grant(role, "viewer", "svm-3");
  const at = (name: string) => who(memberOf(TEAM, name), { study: "svm-3" });
  expect(await at("bob")).toMatchObject({ granted: "viewer" });
  await grant(memberOf(TEAM, "bob").arn, "worker", "svm-3");
  expect(await at("bob")).toMatchObject({ granted: "worker" });
  await grant(memberOf(TEAM, "eve").arn, "editor", "svm-3");
  expect(await at("eve")).toMatchObject({ granted: "editor" });
  await grant(role, "editor", "svm-4");
  await grant(memberOf(TEAM, "bob").arn, "viewer", "svm-4");
  expect(await who(memberOf(TEAM, "bob"), { study: "svm-4" })).toMatchObject({ granted: "editor" });
  await grant(role, "worker", "svm-5");
  await grant(memberOf(TEAM, "bob").arn, "viewer", "svm-5");
  expect(await who(memberOf(TEAM, "bob"), { study: "svm-5" })).toMatchObject({ granted: "worker" });
});

test("a session of Hone's has its role in its study until its last millisecond, in its own team", async () => {
  const { id } = await token("owner");
  const signer = await session({ role: "worker", maker: { kind: "token", id } });
  const caller = { kind: "iam", team: TEAM, study: STUDY, role: null, granted: "worker" };
  expect(await who(signer)).toMatchObject(caller);
  expect(await who(signer, { team: "other" })).toEqual(refusedAs("session-ended"));
  const at = (now: number) =>
    authenticateIam({ ...deps, clock: () => now }, signer, { team: TEAM, study: STUDY });
  expect(await at(clock.now + 899_999)).toMatchObject(caller);
  expect(await at(clock.now + 900_000)).toEqual(refusedAs("session-ended"));
});

test("a session that there is not, or that is none of Hone's, has ended", async () => {
  expect(await who(holderOf("zzzzzzzzzzzz"))).toEqual(refusedAs("session-ended"));
  const foreign = { ...holderOf("x"), arn: holderOf("x").arn.replace("hone-x", "another-name") };
  expect(await who(foreign)).toEqual(refusedAs("session-ended"));
});

test.each<[Role, SessionRole, boolean]>([
  ["owner", "editor", true],
  ["editor", "editor", true],
  ["editor", "worker", true],
  ["worker", "worker", true],
  ["viewer", "viewer", true],
  ["viewer", "worker", false],
  ["worker", "viewer", false],
  ["viewer", "editor", false],
  ["worker", "editor", false],
])("while its maker is %s now, a session as %s holds: %j", async (role, given, holds) => {
  const study = `svm-${role}-${given}`;
  const maker = { kind: "iam" as const, id: memberOf(TEAM, `${role}-${given}`).arn };
  await grant(maker.id, role, study);
  const byRole = await session({ study, role: given, maker });
  const byToken = await session({ study, role: given, maker: { kind: "token", id: (await token(role)).id } });
  for (const signer of [byRole, byToken]) {
    const caller = await who(signer, { study });
    if (holds) expect(caller).toMatchObject({ kind: "iam", granted: given });
    else expect(caller).toEqual(refusedAs("session-ended"));
  }
});

test("a session ends with its maker's token: when that is revoked, when it expires", async () => {
  const { id } = await token("editor", { days: 1 });
  const day = 24 * 3_600_000;
  const signer = await session({ maker: { kind: "token", id }, expires: clock.now + 3 * day });
  const at = (ms: number) =>
    authenticateIam({ ...deps, clock: () => clock.now + ms }, signer, { team: TEAM, study: STUDY });
  expect(await at(day - 1)).toMatchObject({ kind: "iam" });
  expect(await at(day)).toEqual(refusedAs("session-ended"));
  await deleteToken(deps, TEAM, id, noReceipt);
  expect(await at(0)).toEqual(refusedAs("session-ended"));
});

test("nobody of a team that is being deleted is let in, but to delete it again; others hear nothing of it", async () => {
  const signer = memberOf("doomed");
  const there = { team: "doomed", study: null };
  expect(await who(signer, there)).toMatchObject({ kind: "iam", team: "doomed" });
  await markTeamDeleted(deps, "doomed", "doomed", noReceipt);
  expect(await who(signer, there)).toEqual(refusedAs("team-deleted"));
  expect(await who(signer, { ...there, closes: true })).toMatchObject({ kind: "iam", team: "doomed" });
  expect(await who(memberOf(TEAM), there)).toMatchObject({ kind: "iam", team: TEAM });
  expect(await who({ ...signer, account: "1" }, there)).toEqual(refusedAs("identity-unknown"));
});
