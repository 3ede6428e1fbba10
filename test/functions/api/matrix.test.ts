import { expect, test } from "vitest";
import { type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import type { CreateGrantBody } from "../../../shared/schemas/grant.ts";
import { type CreateTokenBody, Role } from "../../../shared/schemas/token.ts";
import { createGrant } from "../../../shared/service/access/grants.ts";
import { deleteMember, putMember } from "../../../shared/service/access/members.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { createToken, deleteToken } from "../../../shared/service/access/tokens.ts";
import { createStudy } from "../../../shared/service/studies/create.ts";
import { createSweep } from "../../../shared/service/sweeps/create.ts";
import { type Given, needs, verdict } from "../../support/access-rules.ts";
import { injectFaults } from "../../support/faults.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { noReceipt, studyBody, TEAM, testDeps } from "../../support/service.ts";

/**
 * The access matrix: every principal, on every route, for every study, over HTTP, with authorizer, policy, handler and table. What must
 * come of it is stated in `access-rules.ts`.
 */
const { client, tableName, table } = createMemoryTable();
const clock = { now: Date.UTC(2026, 10, 23) };
const fresh = () => testDeps(client, tableName, clock);
const deps = fresh();
const ARN = "arn:aws:iam::111122223333:role/ci";

await createTeam(deps, TEAM);
await createTeam(deps, "other");
const newStudy = async (team: string) => (await createStudy(deps, team, studyBody(), noReceipt)).study;
/** Which study a path names: what a principal may have rights in, what it may not know of, and what is not there. */
const studies = {
  own: await newStudy(TEAM),
  shared: await newStudy(TEAM),
  other: await newStudy(TEAM),
  "of another team": await newStudy("other"),
  missing: "svm-digits-000000",
};
type Place = keyof typeof studies;
const places = Object.keys(studies) as Place[];
const inOwnTeam: readonly Place[] = ["own", "shared", "other"];

const token = async (body: Partial<CreateTokenBody>, team = TEAM) =>
  createToken(deps, team, { name: "test", role: null, ...body }, "admin", noReceipt);
const share = (principal: CreateGrantBody["principal"], role: Role, study: string | null = studies.shared) =>
  createGrant(deps, TEAM, { principal, study, role }, "admin", noReceipt);
const member = async (name: string, role: Role | null) =>
  putMember(deps, TEAM, { name, role }, "admin", noReceipt);

interface Principal {
  readonly name: string;
  readonly secret: string | undefined;
  /** null: whoever it is, it is not known. */
  readonly given: Given | null;
}

const nothing: Given = { team: [], studies: {} };
const inTeam = (...team: Role[]): Given => ({ team, studies: {} });
const inStudy = (study: string, ...roles: Role[]): Given => ({ team: [], studies: { [study]: roles } });
const principals: Principal[] = [];
const known = (name: string, { token: secret }: { token: string }, given: Given | null) =>
  principals.push({ name, secret, given });

for (const role of Role.options) {
  known(`${role} of the team`, await token({ role }), inTeam(role));
  known(`${role} of its study`, await token({ role, study: studies.own }), inStudy(studies.own, role));
  const granted = await token({});
  await share({ token: granted.id }, role);
  known(`granted ${role}`, granted, inStudy(studies.shared, role));
  const everywhere = await token({});
  await share({ token: everywhere.id }, role, null);
  known(`granted ${role} of the team`, everywhere, inTeam(role));
  await member(`is-${role}`, role);
  known(`member, ${role}`, await token({ member: `is-${role}` }), inTeam(role));
  await member(`granted-${role}`, null);
  await share({ member: `granted-${role}` }, role);
  known(`member, granted ${role}`, await token({ member: `granted-${role}` }), inStudy(studies.shared, role));
  // Its own role limits what it has of its member.
  known(
    `${role}'s token of an owner`,
    await token({ member: "is-owner-too", role }).catch(async () => {
      await member("is-owner-too", "owner");
      return token({ member: "is-owner-too", role });
    }),
    inTeam(role),
  );
}
const both = await token({ role: "viewer" });
await share({ token: both.id }, "worker");
known("viewer, granted worker", both, { team: ["viewer"], studies: { [studies.shared]: ["worker"] } });
const worker = await token({ role: "worker" });
await share({ token: worker.id }, "viewer");
known("worker, granted viewer", worker, { team: ["worker"], studies: { [studies.shared]: ["viewer"] } });
const restricted = await token({ role: "viewer", study: studies.own });
await share({ token: restricted.id }, "editor");
known("viewer of its study, granted editor of another", restricted, inStudy(studies.own, "viewer"));
known("owner's token of a viewer", await token({ member: "is-viewer", role: "owner" }), inTeam("viewer"));
known("worker's token of a viewer", await token({ member: "is-viewer", role: "worker" }), nothing);
known("without rights", await token({}), nothing);
await member("without-rights", null);
known("member without rights", await token({ member: "without-rights" }), nothing);
await member("lowered", "editor");
known("member who was lowered", await token({ member: "lowered", role: "editor" }), inTeam("viewer"));
await member("lowered", "viewer");
await member("gone", "editor");
known("member who is gone", await token({ member: "gone" }), null);
await deleteMember(deps, TEAM, "gone", noReceipt);
const revoked = await token({ role: "owner" });
known("revoked", revoked, null);
await deleteToken(deps, TEAM, revoked.id, noReceipt);
known(
  "expired",
  await createToken({ ...deps, clock: () => 0 }, TEAM, { name: "test", role: "owner" }, "admin", noReceipt),
  null,
);
known("unknown", { token: `hone_aaaaaaaaaaaa_${"a".repeat(43)}` }, null);
principals.push({ name: "nobody", secret: undefined, given: null });
const stranger = await token({ role: "owner" }, "other");

const victim = (await token({ role: "viewer" })).id;
const { grant } = await share({ iam: ARN }, "viewer");
await member("victim", "viewer");
const { sweep } = await createSweep(
  deps,
  TEAM,
  { name: "nightly", schedule: { rate: { days: 1 } }, template: studyBody() },
  noReceipt,
);

const bodies: Partial<Record<RouteName, object>> = {
  createStudy: studyBody(),
  patchStudy: { state: "running" },
  report: { attempt: 1, step: 1, values: { accuracy: 0.5 } },
  heartbeat: { attempt: 1 },
  checkpoint: { attempt: 1 },
  tell: { attempt: 1, values: { accuracy: 0.5 } },
  claim: { attempt: 1, jobId: "job-1", claimant: "claimant-0123456789" },
  addTrials: { trials: [{ params: { C: 1, gamma: 0.1 } }] },
  createToken: { name: "made", role: "viewer" },
  putMember: { name: "made" },
  deleteTeam: { confirm: TEAM },
  exportAudit: { month: "2026-11" },
  patchBudget: { dollars: 1 },
  createSweep: { name: "made", schedule: { rate: { days: 1 } }, template: studyBody() },
  patchSweep: { name: "renamed" },
  createGrant: { principal: { iam: ARN }, study: null, role: "viewer" },
};
const all = Object.entries(routes) as [RouteName, Route][];
const ofStudies = all.filter(([, { path }]) => path.includes("{study}"));
const ofTeam = all.filter(([, { path }]) => !path.includes("{study}"));
const pathOf = (route: Route, study: string, team = TEAM) =>
  `/v1/teams/${team}${route.path}`
    .replace("{study}", study)
    .replace("{number}", "0")
    .replace("{token}", victim)
    .replace("{member}", "victim")
    .replace("{grant}", grant)
    .replace("{sweep}", sweep);

const owner = principals.find(({ name }) => name === "owner of the team")?.secret ?? "";
for (const place of inOwnTeam)
  await gateway(deps)("POST", `/v1/teams/${TEAM}/studies/${studies[place]}/ask`, { token: owner });
// So that no token's use is noted later.
for (const { secret } of [...principals, { secret: stranger.token }])
  if (secret !== undefined) await gateway(deps)("GET", `/v1/teams/${TEAM}/studies`, { token: secret });
const before = table.items();

interface Answered {
  readonly status: number;
  readonly type: string | undefined;
  /** Without what differs from request to request: its id, and the study that was asked for. */
  readonly body: string;
  readonly reads: number;
}

const ask = async (
  call: Gateway,
  name: RouteName,
  path: string,
  study: string,
  secret?: string,
): Promise<Answered> => {
  let reads = 0;
  let writes = 0;
  const restore = injectFaults(client, (command) => {
    if (command === "GetItemCommand" || command === "QueryCommand") reads++;
    else writes++;
    return "none";
  });
  const { status, body } = await call(routes[name].method, path, {
    ...(secret === undefined ? {} : { token: secret }),
    ...(bodies[name] !== undefined && { body: bodies[name] }),
  });
  restore();
  // Each request meets the table as it was.
  if (writes > 0) table.restore(before);
  const { type, ...rest } = (body ?? {}) as { type?: string };
  const text = JSON.stringify({ ...rest, type, requestId: "" }).replaceAll(study, "<study>");
  return { status, type, body: text, reads };
};

/** What is wrong with an answer, or null. */
const faultOf = (
  { status, type }: Answered,
  expected: "allowed" | "forbidden" | "hidden" | "unknown",
): string | null => {
  const said = `${status} ${type ?? ""}`;
  const isRight = {
    allowed: status < 300 || status === 409,
    forbidden: said === "403 forbidden",
    hidden: said === "404 study-not-found",
    unknown: said === "401 unauthenticated",
  }[expected];
  return isRight ? null : `${said}, expected ${expected}`;
};

test("every principal, on every route, for every study: all cells, none wrong", async () => {
  const wrong: string[] = [];
  let cells = 0;
  const call = gateway(deps);
  const check = (cell: string, fault: string | null) => {
    cells++;
    if (fault !== null) wrong.push(`${cell}: ${fault}`);
  };
  for (const { name: who, secret, given } of principals) {
    for (const [name, route] of ofTeam) {
      const answer = await ask(call, name, pathOf(route, ""), "-", secret);
      const expected = given === null ? "unknown" : verdict(given, needs[name], null);
      check(`${who}, ${name}`, faultOf(answer, expected));
    }
    for (const [name, route] of ofStudies) {
      for (const place of places) {
        const study = studies[place];
        const answer = await ask(call, name, pathOf(route, study), study, secret);
        const isThere = inOwnTeam.includes(place);
        const of = given === null ? "unknown" : isThere ? verdict(given, needs[name], study) : "hidden";
        check(`${who}, ${name}, ${place}`, faultOf(answer, of));
      }
    }
  }
  expect(wrong).toEqual([]);
  const perPrincipal = ofTeam.length + places.length * ofStudies.length;
  expect(cells).toBe(principals.length * perPrincipal);
});

test("what the caller may not know of is answered as what is not there: same body, as many reads, warm or cold", async () => {
  const warm = fresh();
  const known = gateway(warm);
  const strangers = `/v1/teams/other/studies/${studies["of another team"]}`;
  await known("GET", strangers, { token: stranger.token });
  for (const place of inOwnTeam)
    await known("GET", `/v1/teams/${TEAM}/studies/${studies[place]}`, { token: owner });
  for (const { name: who, secret, given } of principals) {
    if (given === null) continue;
    for (const [name, route] of ofStudies) {
      const on = async (call: Gateway, place: Place) =>
        ask(call, name, pathOf(route, studies[place]), studies[place], secret);
      const hidden = places.filter(
        (place) =>
          place === "of another team" ||
          (inOwnTeam.includes(place) && verdict(given, needs[name], studies[place]) === "hidden"),
      );
      const missing = [await on(gateway(fresh()), "missing"), await on(known, "missing")];
      for (const place of hidden) {
        const answers = [await on(gateway(fresh()), place), await on(known, place)];
        expect(answers, `${who}, ${name}, ${place}`).toEqual(missing);
      }
    }
  }
});

test("on another team's path a token of any kind is told the same, whatever there is", async () => {
  const call = gateway(deps);
  const kinds = [
    "owner of the team",
    "owner of its study",
    "granted owner",
    "member, owner",
    "without rights",
  ];
  for (const { name: who, secret } of principals.filter(({ name }) => kinds.includes(name))) {
    for (const [name, route] of all) {
      const answers: Answered[] = [];
      for (const [team, study] of [
        ["other", studies["of another team"]],
        ["other", studies.missing],
        ["no-such-team", studies.missing],
      ] as const) {
        answers.push(await ask(call, name, pathOf(route, study, team), study, secret));
      }
      expect(answers[0], `${who}, ${name}`).toMatchObject({ status: 404, type: "not-found" });
      for (const answer of answers) expect(answer, `${who}, ${name}`).toEqual(answers[0]);
    }
  }
});
