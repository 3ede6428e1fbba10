import { expect, test } from "vitest";
import { hashToken, issueJobToken } from "../../../../shared/auth/token.ts";
import { authenticate, type PathTarget } from "../../../../shared/service/access/authenticate.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken, deleteToken, rotateToken } from "../../../../shared/service/access/tokens.ts";
import { markTeamDeleted } from "../../../../shared/service/teams/delete.ts";
import { putGrant } from "../../../../shared/store/grant.ts";
import { tokenKey } from "../../../../shared/store/keys.ts";
import { noteUse, TOKEN, USE_NOTED_MS } from "../../../../shared/store/token.ts";
import { newTrial } from "../../../../shared/store/trial.ts";
import { callerAs } from "../../../support/callers.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";
import { jobOf, loadedStudy, trialOf } from "../../../support/study.ts";

const { client, tableName } = await createTestTable({ maxAttempts: 2 });
const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
const deps = testDeps(client, tableName, clock);
await createTeam(deps, TEAM);
await createTeam(deps, "other");

const nowhere: PathTarget = { team: null, study: null, trial: null };
const inTeam = (team: string): PathTarget => ({ ...nowhere, team });
const create = (change: object = {}, team = TEAM) =>
  createToken(deps, team, { name: "test", role: "editor", ...change }, "admin", noReceipt);
const refusedAs = (kind: string) => ({ kind: "refused", why: { kind } });

test("a user's token says who calls: the team, the role and the one study, if it is restricted to one", async () => {
  const { id, token } = await create({ study: "svm-1", role: "worker" });
  const caller = callerAs("worker", { id, study: "svm-1", isUseDue: true });
  expect(await authenticate(deps, `Bearer ${token}`, inTeam(TEAM))).toEqual(caller);
  expect(await authenticate(deps, `bearer ${token}`, nowhere)).toEqual(caller);
});

test("what grants give a token for the path's study is handed on with it", async () => {
  const { id, token } = await create();
  const given = { team: TEAM, principal: { kind: "token", id }, study: "svm-1", role: "owner" } as const;
  await deps.store.transact([
    putGrant({ ...given, created: 0, createdBy: "admin" }, true),
    { name: TOKEN, key: tokenKey(TEAM, id), update: { add: { grants: 1 } } },
  ]);
  const on = (study: string | null) => authenticate(deps, `Bearer ${token}`, { ...inTeam(TEAM), study });
  expect(await on("svm-1")).toMatchObject({ role: "editor", granted: "owner" });
  expect(await on("svm-2")).toMatchObject({ role: "editor", granted: null });
  expect(await on(null)).toMatchObject({ role: "editor", granted: null });
  // The study of another team's path is none of the token's.
  const elsewhere = await authenticate(deps, `Bearer ${token}`, { ...inTeam("other"), study: "svm-1" });
  expect(elsewhere).toMatchObject({ team: TEAM, granted: null });
});

test("the token of a member who is gone is unknown", async () => {
  const { id, token } = await create();
  await deps.store.transact([{ name: TOKEN, key: tokenKey(TEAM, id), update: { set: { member: "gone" } } }]);
  expect(await authenticate(deps, `Bearer ${token}`, inTeam(TEAM))).toEqual(refusedAs("credential-unknown"));
});

test("on another team's path a token still belongs to its own team", async () => {
  const { token } = await create();
  expect(await authenticate(deps, `Bearer ${token}`, inTeam("other"))).toMatchObject({
    kind: "token",
    team: TEAM,
  });
});

test("of a team that is being deleted no token is let in, but to delete it again; others hear nothing of it", async () => {
  await createTeam(deps, "doomed");
  const { token } = await create({}, "doomed");
  const { token: others } = await create();
  await markTeamDeleted(deps, "doomed", "doomed", noReceipt);
  const there = inTeam("doomed");
  expect(await authenticate(deps, `Bearer ${token}`, there)).toEqual(refusedAs("team-deleted"));
  expect(await authenticate(deps, `Bearer ${token}`, { ...there, closes: true })).toMatchObject({
    team: "doomed",
  });
  expect(await authenticate(deps, `Bearer ${others}`, there)).toMatchObject({ kind: "token", team: TEAM });
  const unknown = `hone_aaaaaaaaaaaa_${"a".repeat(43)}`;
  expect(await authenticate(deps, `Bearer ${unknown}`, there)).toEqual(refusedAs("credential-unknown"));
  // Its jobs end, too.
  const atTrial = { ...there, study: "svm-1", trial: 4 };
  expect(await authenticate(deps, `Bearer ${trialToken}`, atTrial)).toEqual(refusedAs("team-deleted"));
});

test.each([undefined, "", " "])("the header %j is a missing credential", async (header) => {
  expect(await authenticate(deps, header, inTeam(TEAM))).toEqual(refusedAs("credential-missing"));
});

test.each(["Basic abc", "Bearer", "Bearer hone_abc", "Bearer nonsense"])(
  "the header %j holds no credential",
  async (header) => {
    expect(await authenticate(deps, header, inTeam(TEAM))).toEqual(refusedAs("credential-malformed"));
  },
);

test("a token with the right id and another secret is unknown, like one that never was", async () => {
  const { token } = await create();
  const forged = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  const never = `hone_aaaaaaaaaaaa_${"a".repeat(43)}`;
  for (const text of [forged, never]) {
    for (const target of [nowhere, inTeam(TEAM), inTeam("other")]) {
      expect(await authenticate(deps, `Bearer ${text}`, target)).toEqual(refusedAs("credential-unknown"));
    }
  }
});

test("a token is good until its last millisecond, and then expired although it is still stored", async () => {
  const { token, expires } = await create({ days: 1 });
  const at = (now: number) => ({ ...deps, clock: () => now });
  const last = Date.parse(expires) - 1;
  expect(await authenticate(at(last), `Bearer ${token}`, inTeam(TEAM))).toMatchObject({ kind: "token" });
  expect(await authenticate(at(last + 1), `Bearer ${token}`, inTeam(TEAM))).toEqual({
    kind: "refused",
    why: { kind: "credential-expired", expired: expires },
  });
  // Only its holder is told that it was good once.
  const forged = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  const expired = await authenticate(at(last + 1), `Bearer ${forged}`, inTeam(TEAM));
  expect(expired).toEqual(refusedAs("credential-unknown"));
});

test("a revoked token is unknown from then on", async () => {
  const { id, token } = await create();
  await deleteToken(deps, TEAM, id, noReceipt);
  expect(await authenticate(deps, `Bearer ${token}`, inTeam(TEAM))).toEqual(refusedAs("credential-unknown"));
});

test("a rotated token has two secrets until the former one ends, whose holder alone is told so", async () => {
  const { id, token: former } = await create();
  const { token } = await rotateToken(deps, TEAM, id, { formerHours: 1 }, noReceipt);
  const at = (ms: number, secret: string) =>
    authenticate({ ...deps, clock: () => clock.now + ms }, `Bearer ${secret}`, inTeam(TEAM));
  const hour = 3_600_000;
  expect(await at(hour - 1, former)).toMatchObject({ kind: "token", id });
  expect(await at(hour, former)).toEqual({
    kind: "refused",
    why: { kind: "credential-replaced", ended: "2026-11-23T13:00:00.000Z" },
  });
  expect(await at(hour, token)).toMatchObject({ kind: "token", id });
  const forged = `${token.slice(0, -2)}${token.endsWith("AA") ? "BB" : "AA"}`;
  expect(await at(0, forged)).toEqual(refusedAs("credential-unknown"));
  await rotateToken(deps, TEAM, id, { formerHours: 0 }, noReceipt);
  for (const secret of [former, token]) expect(await at(0, secret)).toEqual(refusedAs("credential-unknown"));
});

test("a token says when it is time to note its use", async () => {
  const { id, token } = await create();
  const ask = (ms = 0) =>
    authenticate({ ...deps, clock: () => clock.now + ms }, `Bearer ${token}`, inTeam(TEAM));
  expect(await ask()).toHaveProperty("isUseDue", true);
  await deps.store.update(noteUse(TEAM, id, clock.now));
  expect(await ask(USE_NOTED_MS - 1)).not.toHaveProperty("isUseDue");
  expect(await ask(USE_NOTED_MS)).toHaveProperty("isUseDue", true);
});

const bootstrap = issueJobToken("bootstrap", 2, deps.randomBytes).token;
const trialToken = issueJobToken("trial", 2, deps.randomBytes).token;
const { space } = loadedStudy();
const job = jobOf({ bootstrapHash: hashToken(bootstrap), tokenHash: hashToken(trialToken) });
await deps.store.transact([
  newTrial(space, trialOf({ study: "svm-1", number: 4, attempt: 2, job })),
  newTrial(space, trialOf({ study: "svm-1", number: 5, job: jobOf() })),
  newTrial(space, trialOf({ study: "svm-1", number: 6 })),
]);
const atTrial = (trial: number): PathTarget => ({ team: TEAM, study: "svm-1", trial });

test("a job's tokens are known on the path of their own trial, each as its kind", async () => {
  const caller = { team: TEAM, study: "svm-1", trial: 4, attempt: 2 };
  expect(await authenticate(deps, `Bearer ${bootstrap}`, atTrial(4))).toEqual({
    kind: "bootstrap",
    ...caller,
  });
  expect(await authenticate(deps, `Bearer ${trialToken}`, atTrial(4))).toEqual({ kind: "trial", ...caller });
});

test("on any other trial's path a job's token is stale, and elsewhere it opens nothing", async () => {
  for (const trial of [5, 6, 7]) {
    for (const token of [bootstrap, trialToken]) {
      expect(await authenticate(deps, `Bearer ${token}`, atTrial(trial))).toEqual(
        refusedAs("job-token-stale"),
      );
    }
  }
  const parts = [{ trial: null }, { study: null }, { team: null }];
  for (const target of [inTeam(TEAM), ...parts.map((part) => ({ ...atTrial(4), ...part }))]) {
    expect(await authenticate(deps, `Bearer ${trialToken}`, target)).toEqual(
      refusedAs("job-token-elsewhere"),
    );
  }
});

test("in nested cross-validation a job's token is known by the trial's number in the whole study, and by no other", async () => {
  const study = await makeStudy(deps, {
    evaluation: {
      type: "nested-cv",
      samples: 60,
      outer: { folds: 2, kind: "plain" },
      inner: { folds: 2, together: true },
    },
  });
  // The second trial of the second of four parts.
  await deps.store.transact([
    newTrial(space, trialOf({ study: `${study.id}.1`, number: 1, attempt: 2, job })),
  ]);
  const at = (trial: number) => ({ team: TEAM, study: study.id, trial });
  for (const token of [bootstrap, trialToken]) {
    expect(await authenticate(deps, `Bearer ${token}`, at(5))).toMatchObject({ ...at(5), attempt: 2 });
    for (const trial of [0, 1, 4, 6, 9]) {
      expect(await authenticate(deps, `Bearer ${token}`, at(trial))).toEqual(refusedAs("job-token-stale"));
    }
  }
});

test("one kind of job token is not accepted as the other", async () => {
  const swapped = trialToken.replace("hone_t2_", "hone_b2_");
  expect(await authenticate(deps, `Bearer ${swapped}`, atTrial(4))).toEqual(refusedAs("job-token-stale"));
});

test("while the table is away a credential is neither good nor bad", async () => {
  const { token } = await create();
  const restore = injectFaults(client, () => "throttle");
  await expect(authenticate(deps, `Bearer ${token}`, inTeam(TEAM))).rejects.toMatchObject({
    type: "unavailable",
  });
  restore();
});
