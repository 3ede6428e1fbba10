import fc from "fast-check";
import { expect, test } from "vitest";
import { includes, limited, withGrants } from "../../../shared/auth/roles.ts";
import { Role } from "../../../shared/schemas/token.ts";

const roles = Role.options;
const anyRole = fc.constantFrom<Role | null>(null, ...roles);

test("an owner includes all, an editor a viewer and a worker, and these two nobody but themselves", () => {
  const below = Object.fromEntries(
    roles.map((role) => [role, roles.filter((other) => includes(role, other))]),
  );
  expect(below).toEqual({
    viewer: ["viewer"],
    worker: ["worker"],
    editor: ["viewer", "worker", "editor"],
    owner: ["viewer", "worker", "editor", "owner"],
  });
});

test.each([
  ["editor", "viewer", "viewer"],
  ["viewer", "editor", "viewer"],
  ["owner", "owner", "owner"],
  ["viewer", "worker", null],
  ["worker", "viewer", null],
  ["editor", null, null],
  [null, "editor", null],
] as const)("%s limited to %s is %s", (role, limit, left) => {
  expect(limited(role, limit)).toBe(left);
});

test("what a limit leaves is in both", () => {
  fc.assert(
    fc.property(anyRole, anyRole, (role, limit) => {
      const left = limited(role, limit);
      if (left === null) return;
      expect([role !== null && includes(role, left), limit !== null && includes(limit, left)]).toEqual([
        true,
        true,
      ]);
    }),
  );
});

test("grants add: what each of the three roles includes, the two that are left include in the study", () => {
  fc.assert(
    fc.property(anyRole, anyRole, anyRole, (role, inTeam, granted) => {
      const access = withGrants(role, { role: inTeam, granted });
      const given = [role, inTeam, granted].filter((each) => each !== null);
      const left = [access.role, access.granted].filter((each) => each !== null);
      for (const each of given) expect(left.some((one) => includes(one, each))).toBe(true);
      for (const one of left) expect(given.some((each) => includes(each, one))).toBe(true);
      // Nothing that was granted for the study becomes a right in the team.
      const team = [role, inTeam].filter((each) => each !== null);
      if (access.role !== null) expect(team).toContain(access.role);
      else expect(team).toEqual([]);
    }),
  );
});
