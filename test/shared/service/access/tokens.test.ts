import { expect, test } from "vitest";
import { hashToken } from "../../../../shared/auth/token.ts";
import { createGrant, listGrants } from "../../../../shared/service/access/grants.ts";
import { putMember } from "../../../../shared/service/access/members.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import {
  createToken,
  deleteToken,
  listTokens,
  rotateToken,
} from "../../../../shared/service/access/tokens.ts";
import { receiptKey } from "../../../../shared/store/keys.ts";
import { findToken, noteUse } from "../../../../shared/store/token.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { keyed, makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
const deps = testDeps(client, tableName, clock);
await createTeam(deps, TEAM);

const create = (change: object = {}, team = TEAM) =>
  createToken(deps, team, { name: "nightly", role: "viewer", ...change }, "admin", noReceipt);

test("a token is answered with its secret, of which only the hash is stored", async () => {
  const { id, token, ...rest } = await create({ study: "svm-1", role: "worker" });
  expect(rest).toEqual({
    name: "nightly",
    role: "worker",
    member: null,
    study: "svm-1",
    created: "2026-11-23T12:00:00.000Z",
    expires: "2027-02-21T12:00:00.000Z",
    formerExpires: null,
    lastUsed: null,
  });
  const stored = await findToken(deps.store, TEAM, id);
  expect(stored).toMatchObject({ hash: hashToken(token), createdBy: "admin" });
  expect(JSON.stringify(stored)).not.toContain(token.slice(-43));
});

test("a token lasts for as many days as it was given, 90 without", async () => {
  expect((await create({ days: 1 })).expires).toBe("2026-11-24T12:00:00.000Z");
  expect((await create()).expires).toBe("2027-02-21T12:00:00.000Z");
});

test("a key makes one token: the repeat says which, and no receipt holds the secret", async () => {
  const body = { name: "once", role: "viewer" } as const;
  const write = keyed("token-once", body);
  const first = await createToken(deps, TEAM, body, "admin", write);
  await expect(createToken(deps, TEAM, body, "admin", write)).rejects.toMatchObject({
    type: "shown-once",
    facts: { id: first.id },
  });
  const receipt = await deps.store.get(receiptKey("token-once"));
  expect(String(receipt?.answer)).toContain(first.id);
  expect(String(receipt?.answer)).not.toContain(first.token.slice(-43));
  const { tokens } = await listTokens(deps, TEAM, {});
  expect(tokens.filter(({ name }) => name === "once")).toHaveLength(1);
});

test("a team that was not created gets no token", async () => {
  await expect(create({}, "nobody")).rejects.toMatchObject({ type: "not-found", facts: { team: "nobody" } });
});

test("tokens are listed page by page without their secrets, expired ones included", async () => {
  await createTeam(deps, "listing");
  const made = [];
  for (let i = 0; i < 4; i++) made.push(await create({ days: 1 }, "listing"));
  const ids = made.map(({ id }) => id).sort();
  const later = { ...deps, clock: () => clock.now + 2 * 24 * 3_600_000 };
  const first = await listTokens(later, "listing", { limit: 3 });
  const second = await listTokens(later, "listing", { limit: 3, cursor: first.cursor ?? "" });
  expect([...first.tokens, ...second.tokens].map(({ id }) => id)).toEqual(ids);
  expect(second.cursor).toBeNull();
  const text = JSON.stringify([first, second]);
  for (const { token } of made) expect(text).not.toContain(token.slice(-43));
  expect(text).not.toContain("hash");
});

test("a revoked token is gone; revoking it again, or from another team, is refused", async () => {
  const { id } = await create();
  await expect(deleteToken(deps, "listing", id, noReceipt)).rejects.toMatchObject({ type: "not-found" });
  await deleteToken(deps, TEAM, id, noReceipt);
  expect(await findToken(deps.store, TEAM, id)).toBeNull();
  await expect(deleteToken(deps, TEAM, id, noReceipt)).rejects.toMatchObject({
    type: "not-found",
    facts: { kind: "no-token", id },
  });
});

test("a revocation with its key may be repeated", async () => {
  const { id } = await create();
  const write = keyed(`revoke ${id}`);
  expect(await deleteToken(deps, TEAM, id, write)).toBeNull();
  expect(await deleteToken(deps, TEAM, id, write)).toBeNull();
});

test("a creation whose reply was lost makes one token and answers with its secret", async () => {
  const restore = injectFaults(client, (command) =>
    command === "TransactWriteItemsCommand" ? "lost-reply" : "none",
  );
  const { id, token } = await create({ name: "lost-reply" });
  restore();
  expect((await findToken(deps.store, TEAM, id))?.hash).toBe(hashToken(token));
  const { tokens } = await listTokens(deps, TEAM, {});
  expect(tokens.filter(({ name }) => name === "lost-reply")).toHaveLength(1);
});

test("a token belongs to a member who is there", async () => {
  await expect(create({ member: "ann" })).rejects.toMatchObject({
    facts: { kind: "no-member", name: "ann" },
  });
  await putMember(deps, TEAM, { name: "ann", role: "editor" }, "admin", noReceipt);
  expect(await create({ member: "ann", role: undefined })).toMatchObject({ member: "ann", role: null });
});

test("rotation gives another secret, keeps the former one for a day, and refuses a third", async () => {
  const { id, token } = await create();
  const rotated = await rotateToken(deps, TEAM, id, {}, noReceipt);
  expect(rotated).toMatchObject({
    id,
    formerExpires: "2026-11-24T12:00:00.000Z",
    expires: "2027-02-21T12:00:00.000Z",
  });
  expect(rotated.token).not.toBe(token);
  expect(await findToken(deps.store, TEAM, id)).toMatchObject({
    hash: hashToken(rotated.token),
    former: { hash: hashToken(token) },
  });
  await expect(rotateToken(deps, TEAM, id, { formerHours: 1 }, noReceipt)).rejects.toMatchObject({
    type: "conflict",
    facts: { kind: "rotated-lately", until: "2026-11-24T12:00:00.000Z" },
  });
  const tomorrow = { ...deps, clock: () => clock.now + 24 * 3_600_000 };
  await rotateToken(tomorrow, TEAM, id, { formerHours: 1 }, noReceipt);
  expect(await rotateToken(tomorrow, TEAM, id, { formerHours: 0 }, noReceipt)).toMatchObject({
    formerExpires: null,
  });
});

test("rotation may prolong a token, whose former secret lives no longer than it would have", async () => {
  const { id } = await create({ days: 1 });
  expect(await rotateToken(deps, TEAM, id, { days: 30, formerHours: 100 }, noReceipt)).toMatchObject({
    expires: "2026-12-23T12:00:00.000Z",
    formerExpires: "2026-11-24T12:00:00.000Z",
  });
});

test("a key rotates once, and its repeat shows no secret; what is not there is not rotated", async () => {
  const { id } = await create();
  const write = keyed(`rotate ${id}`);
  const { token } = await rotateToken(deps, TEAM, id, {}, write);
  await expect(rotateToken(deps, TEAM, id, {}, write)).rejects.toMatchObject({
    type: "shown-once",
    facts: { id },
  });
  const receipt = await deps.store.get(receiptKey(`rotate ${id}`));
  expect(String(receipt?.answer)).not.toContain(token.slice(-43));
  const gone = rotateToken(deps, TEAM, "aaaaaaaaaaaa", {}, noReceipt);
  await expect(gone).rejects.toMatchObject({ facts: { kind: "no-token", id: "aaaaaaaaaaaa" } });
});

test("a list shows when a token was used, and whose it is", async () => {
  await createTeam(deps, "used");
  await putMember(deps, "used", { name: "ann" }, "admin", noReceipt);
  const { id } = await create({ member: "ann" }, "used");
  await deps.store.update(noteUse("used", id, clock.now));
  const { tokens } = await listTokens(deps, "used", {});
  expect(tokens).toMatchObject([{ id, member: "ann", lastUsed: "2026-11-23T12:00:00.000Z" }]);
});

test("with a token go the grants that name it", async () => {
  const { id } = await create();
  const study = (await makeStudy(deps)).id;
  for (const each of [study, null])
    await createGrant(
      deps,
      TEAM,
      { principal: { token: id }, study: each, role: "editor" },
      "admin",
      noReceipt,
    );
  expect((await listGrants(deps, TEAM, {})).grants).toHaveLength(2);
  await deleteToken(deps, TEAM, id, noReceipt);
  expect((await listGrants(deps, TEAM, {})).grants).toEqual([]);
});
