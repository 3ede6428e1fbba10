import { expect, test } from "vitest";
import { routes } from "../../../shared/api/routes.ts";
import type { Action } from "../../../shared/auth/authorize.ts";
import { authorize, type Caller } from "../../../shared/auth/authorize.ts";
import { Forbidden, NotFound, StudyNotFound, Unauthenticated } from "../../../shared/errors.ts";
import { Role } from "../../../shared/schemas/token.ts";

const actions = [...new Set(Object.values(routes).map((route) => route.action))];
const target = { team: "acme", study: "svm-1", trial: 3, attempt: 2 };
const token = (role: Role, study: string | null = null): Caller => ({
  kind: "token",
  team: "acme",
  id: "abcdefghijkl",
  role,
  study,
});
const job = (kind: "bootstrap" | "trial"): Caller => ({ kind, ...target });

/** What each may do, written out: a change of the matrix must change it here too. */
const may: Readonly<Record<Role | "bootstrap" | "trial", readonly Action[]>> = {
  viewer: ["study:list", "study:read", "trial:read"],
  worker: ["trial:ask", "trial:report", "trial:tell"],
  editor: actions.filter((action) => !action.startsWith("token:") && action !== "trial:claim"),
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
  expect(() => authorize(own, "study:list", { team: "acme" })).toThrow(Forbidden);
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
