import { expect, test } from "vitest";
import { hashToken, issueJobToken } from "../../../../shared/auth/token.ts";
import { authenticate, type PathTarget } from "../../../../shared/service/access/authenticate.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../../shared/service/access/tokens.ts";
import { newTrial } from "../../../../shared/store/trial.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { noReceipt, TEAM, testDeps } from "../../../support/service.ts";
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
  const caller = { kind: "token", team: TEAM, id, role: "worker", study: "svm-1" };
  expect(await authenticate(deps, `Bearer ${token}`, inTeam(TEAM))).toEqual(caller);
  expect(await authenticate(deps, `bearer ${token}`, nowhere)).toEqual(caller);
});

test("on another team's path a token still belongs to its own team", async () => {
  const { token } = await create();
  expect(await authenticate(deps, `Bearer ${token}`, inTeam("other"))).toMatchObject({
    kind: "token",
    team: TEAM,
  });
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
