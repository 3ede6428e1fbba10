import { expect, test } from "vitest";
import { Unavailable } from "../../../../shared/errors.ts";
import { SessionRole } from "../../../../shared/schemas/credentials.ts";
import type { Role } from "../../../../shared/schemas/token.ts";
import { readAudit } from "../../../../shared/service/access/audit.ts";
import { createCredentials, type Maker } from "../../../../shared/service/access/create-credentials.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { markTeamDeleted } from "../../../../shared/service/teams/delete.ts";
import { memoryWorld } from "../../../support/batch.ts";
import { noReceipt, TEAM } from "../../../support/service.ts";

/** Who may make a session of which role, whatever the routes allow. */

const world = await memoryWorld();
const { deps, study, identities } = world;

const makerOf = (role: Role | null, granted: Role | null): Maker => ({
  kind: "token",
  id: "abcdefghijkl",
  role,
  granted,
  study: null,
});
const create = (maker: Maker, body: object = {}) => createCredentials(deps, study, body, maker, noReceipt);

test.each<[Role | null, Role | null, readonly SessionRole[]]>([
  [null, null, []],
  ["viewer", null, ["viewer"]],
  [null, "viewer", ["viewer"]],
  ["worker", null, ["worker"]],
  [null, "worker", ["worker"]],
  ["viewer", "worker", ["viewer", "worker"]],
  ["editor", null, ["viewer", "worker", "editor"]],
  ["viewer", "editor", ["viewer", "worker", "editor"]],
  ["owner", null, ["viewer", "worker", "editor"]],
  [null, "owner", ["viewer", "worker", "editor"]],
])(
  "%s in the team and %s in the study make sessions as %j, and no larger ones",
  async (role, granted, may) => {
    const maker = makerOf(role, granted);
    for (const wanted of SessionRole.options) {
      const before = identities.made.length;
      if (may.includes(wanted)) {
        expect(await create(maker, { role: wanted })).toMatchObject({ role: wanted });
        continue;
      }
      await expect(create(maker, { role: wanted })).rejects.toMatchObject({
        type: "forbidden",
        facts: { role: role ?? granted ?? "none", action: `role ${wanted}` },
      });
      // Neither AWS nor the table has anything of it.
      expect(identities.made).toHaveLength(before);
    }
  },
);

test("without a role a session is an editor's, and it may not be for a maker who is none", async () => {
  expect(await create(makerOf("editor", null))).toMatchObject({ role: "editor" });
  await expect(create(makerOf("viewer", null))).rejects.toMatchObject({ type: "forbidden" });
});

test("a session ends with what AWS made, when that is earlier", async () => {
  const makeSession = identities.makeSession.bind(identities);
  identities.makeSession = async (request) => ({
    ...(await makeSession(request)),
    expires: world.clock.now + 60_000,
  });
  const { expires } = await create(makerOf("editor", null), { seconds: 900 });
  expect(Date.parse(expires)).toBe(world.clock.now + 60_000);
  identities.makeSession = makeSession;
});

test("of a study that is being deleted, or is gone, none is made", async () => {
  const { deps: own, study: doomed, identities: asked, clock, reconcile } = await memoryWorld();
  await deleteStudy(own, doomed, noReceipt);
  const made = () => createCredentials(own, doomed, {}, makerOf("owner", null), noReceipt);
  await expect(made()).rejects.toMatchObject({ type: "study-not-found" });
  clock.now += SETTLED_MS;
  await reconcile();
  await expect(made()).rejects.toMatchObject({ type: "study-not-found" });
  expect(asked.made).toEqual([]);
});

test("a session that is made is in the audit trail, whatever AWS says then, and a team that is being deleted makes none", async () => {
  const { deps: own, study: any, identities: asked, lines } = await memoryWorld();
  await createTeam(own, TEAM);
  const audit = {
    team: TEAM,
    who: { kind: "token", id: "abcdefghijkl" },
    route: "createCredentials",
    requestId: "request-1",
    address: null,
    targets: [],
    fields: [],
    days: 400,
  } as const;
  const make = () => createCredentials(own, any, {}, makerOf("owner", null), { receipt: null, audit });
  const said = "User: arn:aws:sts::000000000000:assumed-role/x is not authorized";
  asked.fault = Object.assign(new Unavailable({ kind: "sessions-refused" }), {
    cause: Object.assign(new Error(said), { name: "AccessDenied" }),
  });
  await expect(make()).rejects.toMatchObject({ type: "unavailable" });
  expect(lines.at(-1)).toMatchObject({ event: "session-refused", error: "AccessDenied", message: said });
  asked.fault = new Unavailable({ kind: "sessions-refused" });
  await expect(make()).rejects.toMatchObject({ type: "unavailable" });
  expect(lines.at(-1)).toMatchObject({ event: "session-refused", error: "unknown", message: "" });
  const { lines: trail } = await readAudit(own, TEAM, {});
  expect(trail.map(({ route }) => route)).toContain("createCredentials");
  asked.fault = null;
  await markTeamDeleted(own, TEAM, TEAM, noReceipt);
  await expect(make()).rejects.toMatchObject({ facts: { kind: "team-deleted" } });
  expect(asked.made).toEqual([]);
});
