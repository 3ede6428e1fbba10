import { expect, test } from "vitest";
import type { CreateGrantBody } from "../../../../shared/schemas/grant.ts";
import { createGrant, deleteGrant, listGrants } from "../../../../shared/service/access/grants.ts";
import { putMember } from "../../../../shared/service/access/members.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { createToken } from "../../../../shared/service/access/tokens.ts";
import { putGrant } from "../../../../shared/store/grant.ts";
import { tokenKey } from "../../../../shared/store/keys.ts";
import { findToken, MAX_GRANTS_OF_TOKEN } from "../../../../shared/store/token.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
const deps = testDeps(client, tableName, clock);
await createTeam(deps, TEAM);
await createTeam(deps, "other");
const study = (await makeStudy(deps)).id;
const iam = "arn:aws:iam::111122223333:role/ci";

const grant = (principal: CreateGrantBody["principal"], change: Partial<CreateGrantBody> = {}, team = TEAM) =>
  createGrant(deps, team, { principal, study, role: "viewer", ...change }, "admin", noReceipt);
const newToken = (change: object = {}) =>
  createToken(deps, TEAM, { name: "test", role: null, ...change }, "admin", noReceipt);
const listed = async () => (await listGrants(deps, TEAM, {})).grants;
const remove = (id: string, team = TEAM) => deleteGrant(deps, team, id, noReceipt);

test("a grant says whom it is for and what it gives, and is taken back by its id", async () => {
  const given = await grant({ iam }, { role: "editor" });
  expect(given).toEqual({
    grant: expect.stringMatching(/^[0-9a-f]{24}$/),
    principal: { iam },
    study,
    role: "editor",
    created: "2026-11-23T12:00:00.000Z",
    createdBy: "admin",
  });
  expect(await listed()).toEqual([given]);
  await expect(remove(given.grant, "other")).rejects.toMatchObject({ facts: { kind: "no-grant" } });
  await remove(given.grant);
  expect(await listed()).toEqual([]);
  await expect(remove(given.grant)).rejects.toMatchObject({
    facts: { kind: "no-grant", grant: given.grant },
  });
});

test("a second grant for the same takes the place of the first, and has its id", async () => {
  const { id } = await newToken();
  const first = await grant({ token: id });
  expect(first.principal).toEqual({ token: id });
  const second = await grant({ token: id }, { role: "worker" });
  expect(second).toEqual({ ...first, role: "worker" });
  expect(await listed()).toEqual([second]);
  expect(await findToken(deps.store, TEAM, id)).toMatchObject({ grants: 1 });
  await remove(second.grant);
  expect(await findToken(deps.store, TEAM, id)).toMatchObject({ grants: 0 });
});

test("only what is there is given, and given to", async () => {
  await expect(grant({ iam }, { study: "gone-study" })).rejects.toMatchObject({ type: "study-not-found" });
  await expect(grant({ iam }, {}, "other")).rejects.toMatchObject({ type: "study-not-found" });
  await expect(grant({ member: "nobody" })).rejects.toMatchObject({
    facts: { kind: "no-member", name: "nobody" },
  });
  await expect(grant({ token: "aaaaaaaaaaaa" })).rejects.toMatchObject({ facts: { kind: "no-token" } });
  expect(await listed()).toEqual([]);
});

test("a token of a member gets no grant of its own", async () => {
  await putMember(deps, TEAM, { name: "ann" }, "admin", noReceipt);
  const { id } = await newToken({ member: "ann" });
  await expect(grant({ token: id })).rejects.toMatchObject({
    type: "conflict",
    facts: { kind: "token-of-member", id, member: "ann" },
  });
});

test("a token is named by so many grants and no more", async () => {
  const { id } = await newToken();
  await deps.store.update({
    name: "fill",
    key: tokenKey(TEAM, id),
    update: { set: { grants: MAX_GRANTS_OF_TOKEN } },
  });
  await expect(grant({ token: id })).rejects.toMatchObject({
    facts: { kind: "too-many-grants", most: MAX_GRANTS_OF_TOKEN },
  });
});

test("a grant in place of another is given however many there are, and a grant that is taken back makes room", async () => {
  const { id } = await newToken();
  const { grant: first } = await grant({ token: id });
  await deps.store.update({
    name: "fill",
    key: tokenKey(TEAM, id),
    update: { set: { grants: MAX_GRANTS_OF_TOKEN } },
  });
  expect(await grant({ token: id }, { role: "editor" })).toMatchObject({ grant: first, role: "editor" });
  await expect(grant({ token: id }, { study: null })).rejects.toMatchObject({ type: "conflict" });
  await remove(first);
  const { grant: second } = await grant({ token: id }, { study: null });
  await remove(second);
  // Grants to others do not count.
  const { grant: other } = await grant({ iam });
  await remove(other);
  expect(await findToken(deps.store, TEAM, id)).toMatchObject({ grants: MAX_GRANTS_OF_TOKEN - 1 });
});

test("of several grants the one that is named is taken back, on whatever page of the search it is", async () => {
  const many = Array.from({ length: 4100 }, (_, i) => `${iam}-${String(i).padStart(4, "0")}`);
  for (let from = 0; from < many.length; from += 100) {
    const some = many.slice(from, from + 100);
    await deps.store.transact(
      some.map((arn) =>
        putGrant(
          {
            team: "crowd",
            principal: { kind: "iam", id: arn },
            study: null,
            role: "viewer",
            created: 0,
            createdBy: "admin",
          },
          true,
        ),
      ),
    );
  }
  const all = async () => (await listGrants(deps, "crowd", { limit: many.length })).grants;
  const before = await all();
  // The last of the second page and its first, the last of the first page and its first.
  const gone = [4099, 4000, 3999, 0].map((place) => before[place]?.grant ?? "");
  for (const id of gone) await remove(id, "crowd");
  expect(await all()).toEqual(before.filter(({ grant: id }) => !gone.includes(id)));
  await expect(remove("0".repeat(24), "crowd")).rejects.toMatchObject({ type: "not-found" });
});

test("grants are listed page by page, and one beyond the first page of a search is found", async () => {
  const made = [];
  for (const name of ["b", "a", "d", "c"]) made.push(await grant({ iam: `${iam}/${name}` }, { study: null }));
  const first = await listGrants(deps, TEAM, { limit: 3 });
  const second = await listGrants(deps, TEAM, { limit: 3, cursor: first.cursor ?? "" });
  expect([...first.grants, ...second.grants].map(({ principal }) => principal)).toEqual(
    ["a", "b", "c", "d"].map((name) => ({ iam: `${iam}/${name}` })),
  );
  expect(second.cursor).toBeNull();
  for (const each of made) await remove(each.grant);
  expect(await listed()).toEqual([]);
});
