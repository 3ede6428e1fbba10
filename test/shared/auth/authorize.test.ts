import fc from "fast-check";
import { expect, test } from "vitest";
import type { Action } from "../../../shared/auth/authorize.ts";
import { authorize, authorizeStudy, type Caller, roleActions } from "../../../shared/auth/authorize.ts";
import { Forbidden, NotFound, StudyNotFound, Unauthenticated } from "../../../shared/errors.ts";
import { Role } from "../../../shared/schemas/token.ts";
import { callerAs } from "../../support/callers.ts";

const actions = [...new Set(Object.values(roleActions).flatMap((each) => [...each]))].concat("trial:claim");
const target = { team: "acme", study: "svm-1", trial: 3, attempt: 2 };
const token = (role: Role | null, study: string | null = null, granted: Role | null = null) =>
  callerAs(role, { study, granted });
const job = (kind: "bootstrap" | "trial") => ({ kind, ...target });

/** Actions on a team as a whole: no path that names a study has one of them. */
const ofTeam = (action: Action): boolean =>
  /^(token|member|grant|audit|team|sweep):/.test(action) || /^study:(create|list)$/.test(action);
const ofOwners: readonly Action[] = actions.filter(
  (action) => /^(token|member|grant|audit):/.test(action) || /^team:(update|delete)$/.test(action),
);

/** What each may do, written out: a change of the matrix must change it here too. */
const may: Readonly<Record<Role | "bootstrap" | "trial", readonly Action[]>> = {
  viewer: ["study:list", "study:read", "trial:read", "sweep:list", "sweep:read", "team:read"],
  worker: ["trial:ask", "trial:report", "trial:tell"],
  editor: actions.filter((action) => !ofOwners.includes(action) && action !== "trial:claim"),
  owner: actions.filter((action) => action !== "trial:claim"),
  bootstrap: ["trial:claim"],
  trial: ["trial:report", "trial:tell"],
};

const callers: readonly { who: keyof typeof may; caller: Caller }[] = [
  ...Role.options.map((role) => ({ who: role, caller: token(role) })),
  { who: "bootstrap", caller: job("bootstrap") },
  { who: "trial", caller: job("trial") },
];

test.each(callers.flatMap((each) => actions.map((action) => ({ ...each, action }))))(
  "$who and $action",
  ({ who, caller, action }) => {
    const attempt = () => authorize(caller, action, target);
    if (may[who].includes(action)) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(Forbidden);
  },
);

test("a worker of one study reads that study; a worker of the team works on all and reads none", () => {
  const own = token("worker", "svm-1");
  for (const action of ["study:read", "trial:read"] as const) {
    expect(() => authorize(own, action, target)).not.toThrow();
    expect(() => authorize(own, action, { ...target, study: "svm-2" })).toThrow(StudyNotFound);
    expect(() => authorize(token("worker"), action, target)).toThrow(
      new Forbidden({ kind: "worker-without-study" }),
    );
  }
  expect(() => authorize(token("worker"), "trial:ask", { ...target, study: "svm-2" })).not.toThrow();
  expect(() => authorize(own, "study:list", { team: "acme" })).toThrow(
    new Forbidden({ kind: "token-of-one-study", study: "svm-1" }),
  );
});

test("a refused credential may nothing, and hears why", () => {
  for (const action of actions) {
    expect(() => authorize({ kind: "refused", why: { kind: "credential-unknown" } }, action, target)).toThrow(
      new Unauthenticated({ kind: "credential-unknown" }),
    );
  }
});

test("another team's things do not exist, whatever the role", () => {
  for (const { caller } of callers) {
    for (const action of actions) {
      expect(() => authorize(caller, action, { ...target, team: "other" })).toThrow(NotFound);
    }
  }
});

test("a token of one study sees no other, and no list of them", () => {
  const restricted = token("owner", "svm-1");
  expect(() => authorize(restricted, "study:read", target)).not.toThrow();
  expect(() => authorize(restricted, "study:read", { ...target, study: "svm-2" })).toThrow(StudyNotFound);
  for (const action of ["study:list", "study:create", "token:create"] as const)
    expect(() => authorize(restricted, action, { team: "acme" })).toThrow(Forbidden);
});

test("a job's token opens its own trial and attempt alone", () => {
  expect(() => authorize(job("trial"), "trial:tell", { ...target, study: "svm-2" })).toThrow(StudyNotFound);
  expect(() => authorize(job("trial"), "trial:tell", { ...target, trial: 4 })).toThrow(Forbidden);
  expect(() => authorize(job("trial"), "trial:tell", { ...target, attempt: 3 })).toThrow(Forbidden);
  expect(() => authorize(job("bootstrap"), "trial:claim", { ...target, attempt: 3 })).toThrow(Forbidden);
  expect(() => authorize(job("trial"), "study:list", { team: "acme" })).toThrow(new StudyNotFound(""));
});

test("a job's token may do to its trial what names no attempt", () => {
  const { attempt: _, ...unnamed } = target;
  expect(() => authorize(job("trial"), "trial:report", unnamed)).not.toThrow();
  expect(() => authorize(job("trial"), "trial:read", unnamed)).toThrow(
    new Forbidden({ kind: "job-token-not-allowed", token: "trial", action: "trial:read" }),
  );
});

test("of rights in a study, those in the team and those that were granted count together", () => {
  for (const [role, granted, allowed] of [
    [null, "viewer", ["study:read", "trial:read"]],
    [null, "worker", ["study:read", "trial:read", "trial:ask", "trial:tell", "trial:report"]],
    ["viewer", "worker", ["study:read", "trial:read", "trial:ask", "trial:tell", "trial:report"]],
    ["worker", "viewer", ["study:read", "trial:read", "trial:ask", "trial:tell", "trial:report"]],
    ["viewer", "editor", actions.filter((action) => !ofTeam(action) && action !== "trial:claim")],
  ] as const) {
    const inStudy = actions.filter((action) => !ofTeam(action));
    const done = inStudy.filter((action) => isAllowed(token(role, null, granted), action, target));
    expect(done.toSorted(), `${role} and ${granted}`).toEqual([...allowed].toSorted());
  }
});

const isAllowed = (caller: Caller, action: Action, to: typeof target | { team: string }): boolean => {
  try {
    authorize(caller, action, to);
    return true;
  } catch (error) {
    if (error instanceof Forbidden || error instanceof NotFound || error instanceof StudyNotFound)
      return false;
    throw error;
  }
};

test("in the team a role allows what is its own, and the others are refused by its name", () => {
  for (const role of Role.options) {
    for (const action of actions.filter(ofTeam)) {
      const attempt = () => authorize(token(role), action, { team: "acme" });
      if (may[role].includes(action)) expect(attempt, `${role} ${action}`).not.toThrow();
      else expect(attempt).toThrow(new Forbidden({ kind: "role-not-allowed", role, action }));
    }
  }
});

test("a grant for a study gives nothing in the team", () => {
  for (const action of actions) {
    expect(() => authorize(token(null, null, "owner"), action, { team: "acme" })).toThrow(
      new Forbidden({ kind: "no-role", action }),
    );
  }
});

test("without any right to a study it does not exist, and so it is before it is looked up", () => {
  for (const caller of [token(null), token("owner", "svm-2"), token(null, "svm-2", "owner")]) {
    expect(() => authorizeStudy(caller, "svm-1")).toThrow(new StudyNotFound("svm-1"));
    for (const action of actions)
      expect(() => authorize(caller, action, target)).toThrow(new StudyNotFound("svm-1"));
  }
  for (const caller of [token("worker"), token(null, null, "worker"), token("viewer", "svm-1"), job("trial")])
    expect(() => authorizeStudy(caller, "svm-1")).not.toThrow();
});

test("a refusal names the role that does not suffice", () => {
  expect(() => authorize(token(null, null, "viewer"), "trial:ask", target)).toThrow(
    new Forbidden({ kind: "role-not-allowed", role: "viewer", action: "trial:ask" }),
  );
  expect(() => authorize(token("viewer"), "trial:ask", target)).toThrow(
    "The role viewer does not allow this (trial:ask).",
  );
});

const anyRole = fc.constantFrom<Role | null>(null, ...Role.options);
const anyRights = fc.record({
  role: anyRole,
  granted: anyRole,
  study: fc.constantFrom(null, "svm-1", "svm-2"),
  kind: fc.constantFrom("token" as const, "iam" as const),
});
const anyTarget = fc.record(
  { team: fc.constantFrom("acme", "other"), study: fc.constantFrom("svm-1", "svm-2"), trial: fc.nat(3) },
  { requiredKeys: ["team"] },
) as fc.Arbitrary<typeof target>;
const callerOf = ({ kind, ...rights }: typeof anyRights extends fc.Arbitrary<infer T> ? T : never): Caller =>
  kind === "token" ? callerAs(null, rights) : { kind, team: "acme", id: "arn:aws:iam::1:role/x", ...rights };

test("more rights never allow less, and a restriction to a study never more", () => {
  fc.assert(
    fc.property(anyRights, anyRights, fc.constantFrom(...actions), anyTarget, (one, other, action, to) => {
      const before = isAllowed(callerOf(one), action, to);
      const restricted = isAllowed(callerOf({ ...one, study: "svm-1" }), action, to);
      // What a worker reads it reads because its token is of that study.
      if (one.study === null && one.role !== "worker") expect(restricted && !before).toBe(false);
      const granted = isAllowed(callerOf({ ...one, granted: one.granted ?? other.granted }), action, to);
      if (before) expect(granted).toBe(true);
      const lifted = isAllowed(callerOf({ ...one, role: "owner" }), action, to);
      if (before) expect(lifted).toBe(true);
      if (to.team !== "acme") expect([before, restricted, granted, lifted]).not.toContain(true);
    }),
    { numRuns: 2000 },
  );
});

test("a token and an AWS principal with the same rights may do the same, but for a session, which makes no further one", () => {
  fc.assert(
    fc.property(anyRights, fc.constantFrom(...actions), anyTarget, (rights, action, to) => {
      const [one, other] = (["token", "iam"] as const).map((kind) =>
        isAllowed(callerOf({ ...rights, kind }), action, to),
      );
      const isProlonging = rights.study !== null && action === "credentials:create";
      expect(other).toBe(one && !isProlonging);
    }),
    { numRuns: 500 },
  );
});
