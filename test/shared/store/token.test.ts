import { expect, test } from "vitest";
import { tokenKey, tokenOwnerKey } from "../../../shared/store/keys.ts";
import {
  countGrant,
  findToken,
  isUseDue,
  keysOfToken,
  listTokenItems,
  MAX_GRANTS_OF_TOKEN,
  newToken,
  noteUse,
  removeToken,
  rotate,
  TOKEN,
  type TokenItem,
  teamOfToken,
  USE_NOTED_MS,
} from "../../../shared/store/token.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const token = (id: string, change: Partial<TokenItem> = {}): TokenItem => ({
  team: "acme",
  id,
  name: "nightly",
  role: "viewer",
  member: null,
  study: null,
  hash: "hash",
  former: null,
  created: NOON,
  expires: NOON + 3_600_000,
  createdBy: "admin",
  grants: 0,
  used: null,
  ...change,
});

test("a token reads back as it was written, in its team and by its id", async () => {
  const plain = token("aaaaaaaaaaaa");
  const restricted = token("bbbbbbbbbbbb", { study: "svm-1", role: "worker" });
  await store.transact([...newToken(plain), ...newToken(restricted).slice(0, 2)]);
  expect(await findToken(store, "acme", plain.id)).toEqual(plain);
  expect(await findToken(store, "acme", restricted.id)).toEqual(restricted);
  expect(await teamOfToken(store, plain.id)).toBe("acme");
});

test("a token without a role, and one of a member, read back as such", async () => {
  const bare = token("hhhhhhhhhhhh", { role: null });
  const ofMember = token("iiiiiiiiiiii", { role: null, member: "ann" });
  await store.transact([...newToken(bare), ...newToken(ofMember).slice(0, 2)]);
  expect(await findToken(store, "acme", bare.id)).toEqual(bare);
  expect(await findToken(store, "acme", ofMember.id)).toEqual(ofMember);
});

test("a token of an older version, which knew neither members nor grants, has none", async () => {
  const { team, id, name, hash, created, expires, createdBy, ...later } = token("jjjjjjjjjjjj", {
    role: "editor",
  });
  const put = { name, role: "editor", hash, created, expires, createdBy };
  await store.transact([{ name: TOKEN, key: tokenKey(team, id), put }]);
  expect(await findToken(store, team, id)).toEqual({ team, id, ...put, ...later });
});

test("a token is found in its own team alone", async () => {
  await store.transact(newToken(token("cccccccccccc")));
  expect(await findToken(store, "other", "cccccccccccc")).toBeNull();
  expect(await findToken(store, "acme", "nonenonenone")).toBeNull();
  expect(await teamOfToken(store, "nonenonenone")).toBeNull();
});

test("an id is given once", async () => {
  await store.transact(newToken(token("dddddddddddd")));
  await expect(store.transact(newToken(token("dddddddddddd", { hash: "other" })))).rejects.toEqual(
    expect.objectContaining({ names: new Set([TOKEN]) }),
  );
  expect((await findToken(store, "acme", "dddddddddddd"))?.hash).toBe("hash");
});

test("a revoked token is gone, and so is the item that names its team; revoking it again is refused by name", async () => {
  await store.transact(newToken(token("eeeeeeeeeeee")));
  await store.transact(removeToken(token("eeeeeeeeeeee")));
  expect(await findToken(store, "acme", "eeeeeeeeeeee")).toBeNull();
  expect(await teamOfToken(store, "eeeeeeeeeeee")).toBeNull();
  await expect(store.transact(removeToken(token("eeeeeeeeeeee")))).rejects.toEqual(
    expect.objectContaining({ names: new Set([TOKEN]) }),
  );
});

test("another team cannot revoke a token", async () => {
  await store.transact(newToken(token("ffffffffffff")));
  await expect(store.transact(removeToken(token("ffffffffffff", { team: "other" })))).rejects.toThrow();
  expect(await teamOfToken(store, "ffffffffffff")).toBe("acme");
});

test("both items of a token expire a month after it", async () => {
  await store.transact(newToken(token("gggggggggggg")));
  const ttl = (NOON + 3_600_000) / 1000 + 30 * 24 * 3600;
  expect(await store.get(tokenKey("acme", "gggggggggggg"))).toMatchObject({ ttl });
  expect(await store.get(tokenOwnerKey("gggggggggggg"))).toMatchObject({ ttl });
});

test("tokens are listed in order of their ids, page by page", async () => {
  for (const id of ["cccc", "aaaa", "bbbb"]) await store.transact(newToken(token(id, { team: "list" })));
  const ids = async (after: string, limit: number) =>
    (await listTokenItems(store, "list", after, limit)).map(({ id }) => id);
  expect(await ids("", 2)).toEqual(["aaaa", "bbbb"]);
  expect(await ids("bbbb", 2)).toEqual(["cccc"]);
});

const refused = expect.objectContaining({ names: new Set([TOKEN]) });
/** Put, and read again. */
const stored = async (id: string, change: Partial<TokenItem> = {}): Promise<TokenItem> => {
  await store.transact(newToken(token(id, change)));
  return again(id);
};
const again = async (id: string): Promise<TokenItem> => {
  const item = await findToken(store, "acme", id);
  if (item === null) throw new Error("It was stored.");
  return item;
};

test("a rotated token has both secrets, or the new one alone, and is rotated from the secret that was read", async () => {
  const first = await stored("kkkkkkkkkkkk");
  await store.transact(rotate(first, "second", NOON + 5, NOON + 10));
  expect(await again(first.id)).toEqual({
    ...first,
    hash: "second",
    former: { hash: "hash", until: NOON + 5 },
    expires: NOON + 10,
  });
  const ttl = Math.floor((NOON + 10) / 1000) + 30 * 24 * 3600;
  expect(await store.get(tokenKey("acme", first.id))).toMatchObject({ ttl });
  expect(await store.get(tokenOwnerKey(first.id))).toMatchObject({ ttl, team: "acme" });
  await expect(store.transact(rotate(first, "third", NOON + 5, NOON + 10))).rejects.toEqual(refused);
  await store.transact(rotate(await again(first.id), "third", null, NOON + 10));
  expect(await again(first.id)).toMatchObject({ hash: "third", former: null });
});

test("a token that is gone is not rotated, and nothing of it comes back", async () => {
  const gone = token("llllllllllll");
  await expect(store.transact(rotate(gone, "second", null, NOON))).rejects.toEqual(refused);
  await expect(store.update(noteUse("acme", gone.id, NOON))).rejects.toEqual(refused);
  await expect(store.transact([countGrant("acme", gone.id, -1)])).rejects.toEqual(refused);
  expect(await Promise.all(keysOfToken("acme", gone.id).map((key) => store.get(key)))).toEqual([null, null]);
});

test("a token counts the grants that name it, up to a limit; one of a member none", async () => {
  const { id } = await stored("mmmmmmmmmmmm", { grants: MAX_GRANTS_OF_TOKEN - 1 });
  await store.transact([countGrant("acme", id, 1)]);
  await expect(store.transact([countGrant("acme", id, 1)])).rejects.toEqual(refused);
  await store.transact([countGrant("acme", id, -1)]);
  expect(await again(id)).toMatchObject({ grants: MAX_GRANTS_OF_TOKEN - 1 });
  const ofMember = await stored("nnnnnnnnnnnn", { member: "ann" });
  await expect(store.transact([countGrant("acme", ofMember.id, 1)])).rejects.toEqual(refused);
});

test("a token is removed with as many grants as it was read with", async () => {
  const item = await stored("oooooooooooo");
  await store.transact([countGrant("acme", item.id, 1)]);
  await expect(store.transact(removeToken(item))).rejects.toEqual(refused);
  const counted = await again(item.id);
  await store.transact([countGrant("acme", item.id, 1)]);
  await expect(store.transact(removeToken(counted))).rejects.toEqual(refused);
  await store.transact(removeToken(await again(item.id)));
  expect(await findToken(store, "acme", item.id)).toBeNull();
});

test("use is noted once in some minutes", async () => {
  const item = await stored("pppppppppppp");
  expect(isUseDue(item, NOON)).toBe(true);
  await store.update(noteUse("acme", item.id, NOON));
  const noted = await again(item.id);
  expect(noted).toEqual({ ...item, used: NOON });
  expect([USE_NOTED_MS - 1, USE_NOTED_MS].map((ms) => isUseDue(noted, NOON + ms))).toEqual([false, true]);
  await expect(store.update(noteUse("acme", item.id, NOON + USE_NOTED_MS - 1))).rejects.toEqual(refused);
  await store.update(noteUse("acme", item.id, NOON + USE_NOTED_MS));
  expect(await again(item.id)).toMatchObject({ used: NOON + USE_NOTED_MS });
});
