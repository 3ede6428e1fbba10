import { expect, test } from "vitest";
import { tokenKey, tokenOwnerKey } from "../../../shared/store/keys.ts";
import {
  findToken,
  listTokenItems,
  newToken,
  removeToken,
  TOKEN,
  type TokenItem,
  teamOfToken,
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
  study: null,
  hash: "hash",
  created: NOON,
  expires: NOON + 3_600_000,
  createdBy: "admin",
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
  await store.transact(removeToken("acme", "eeeeeeeeeeee"));
  expect(await findToken(store, "acme", "eeeeeeeeeeee")).toBeNull();
  expect(await teamOfToken(store, "eeeeeeeeeeee")).toBeNull();
  await expect(store.transact(removeToken("acme", "eeeeeeeeeeee"))).rejects.toEqual(
    expect.objectContaining({ names: new Set([TOKEN]) }),
  );
});

test("another team cannot revoke a token", async () => {
  await store.transact(newToken(token("ffffffffffff")));
  await expect(store.transact(removeToken("other", "ffffffffffff"))).rejects.toThrow();
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
