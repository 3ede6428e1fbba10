import { expect } from "vitest";
import type { Change, Item } from "../../../shared/store/store.ts";
import {
  absent,
  type Case,
  expectRefused,
  expectTooLarge,
  KIB,
  key,
  put,
  rise,
  type Setting,
  set,
  setUp,
  text,
  withFaults,
} from "./store-setting.ts";

/** Cases of the store's contract: what DynamoDB refuses, and what it charges. */

/** An item of exactly so many bytes, by DynamoDB's count: `pk` P, `sk` s, and `b`. */
const itemOf = (bytes: number): Item => ({ b: text(bytes - 7) });

/** Changes that each put about so many bytes. */
const puts = (count: number, bytes: number): Change[] =>
  Array.from({ length: count }, (_, i) => put(`s${i}`, { b: text(bytes) }));

/** A write that is refused and changes nothing. */
const refuses = (
  name: string,
  write: (setting: Setting) => Promise<unknown>,
  prepare: (setting: Setting) => Promise<unknown> = async () => {},
  expectation = expectRefused,
): Case => ({
  test: name,
  run: async (subject) => {
    const setting = await setUp(subject);
    await prepare(setting);
    const before = await setting.store.query("P", " ", "~");
    await expectation(write(setting));
    expect(await setting.store.query("P", " ", "~")).toEqual(before);
  },
});

export const limits: readonly Case[] = [
  {
    test: "an item may have 400 KB, names and keys counted",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact([put("s", itemOf(400 * KIB))]);
      await expectTooLarge(store.transact([put("s", itemOf(400 * KIB + 1))]));
      expect(await store.get(key("s"))).toEqual({ ...itemOf(400 * KIB), ...key("s") });
    },
  },
  refuses(
    "an update may not make an item larger than 400 KB",
    ({ store }) => store.update(set("s", { c: text(KIB) })),
    ({ store }) => store.transact([put("s", itemOf(400 * KIB - 1000))]),
    expectTooLarge,
  ),
  refuses(
    "an update in a transaction may not make an item larger than 400 KB",
    ({ store }) => store.transact([set("s", { c: text(KIB) }), put("other")]),
    ({ store }) => store.transact([put("s", itemOf(400 * KIB - 1000))]),
    expectTooLarge,
  ),
  {
    test: "a transaction may have 100 changes",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact(puts(100, 1));
      expect(await store.query("P", " ", "~")).toHaveLength(100);
      await expectTooLarge(store.transact(puts(101, 2)));
    },
  },
  {
    test: "a transaction may have 4 MB",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact(puts(10, 400 * KIB - 100));
      await expectTooLarge(store.transact(puts(11, 400 * KIB - 100)));
      expect(await store.query("P", " ", "~")).toHaveLength(10);
    },
  },
  {
    test: "what an update leaves of its item counts for the 4 MB of a transaction",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact(puts(10, 399 * KIB));
      await store.transact([put("t0", { b: text(399 * KIB) })]);
      const sks = [...Array.from({ length: 10 }, (_, i) => `s${i}`), "t0"];
      await expectTooLarge(store.transact(sks.map((sk) => rise(sk))));
    },
  },
  refuses("a transaction may not name an item twice", ({ store }) =>
    store.transact([put("a"), { name: "check", key: key("a"), check: true, when: absent }]),
  ),
  refuses("a transaction may not be empty", ({ store }) => store.transact([])),
  refuses("a key may not be empty", ({ store }) => store.transact([put("")])),
  refuses("a partition may not be empty", ({ store }) =>
    store.update({ ...rise("a"), key: { pk: "", sk: "a" } }),
  ),
  {
    test: "a partition key may have 2,048 bytes and a sort key 1,024",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const longest = { pk: text(2048), sk: text(1024) };
      await store.transact([{ name: "longest", key: longest, put: {} }]);
      expect(await store.get(longest)).toEqual(longest);
      for (const longer of [
        { ...longest, pk: `${longest.pk}x` },
        { ...longest, sk: `${longest.sk}x` },
        { pk: "é".repeat(1025), sk: "a" },
      ]) {
        await expectRefused(store.transact([{ name: "longer", key: longer, put: {} }]));
        await expectRefused(store.update({ name: "longer", key: longer, update: { add: { n: 1 } } }));
        await expectRefused(store.get(longer));
      }
    },
  },
  refuses("an update that changes nothing is refused", ({ store }) =>
    store.update({ name: "a", key: key("a"), update: {} }),
  ),
  refuses("an update may not change the key", ({ store }) => store.update(set("a", { sk: "b" }))),
  refuses("an update may not set and add the same attribute", ({ store }) =>
    store.update({ name: "a", key: key("a"), update: { set: { n: 1 }, add: { n: 1 } } }),
  ),
  refuses(
    "a number may not be added to a string",
    ({ store }) => store.update(rise("a")),
    ({ store }) => store.transact([put("a", { n: "1" })]),
  ),
  refuses(
    "a number may not be added to a string in a transaction",
    ({ store }) => store.transact([put("b"), rise("a")]),
    ({ store }) => store.transact([put("a", { n: "1" })]),
  ),
  refuses("a condition may not have a value that it does not use", ({ store }) =>
    store.update({ ...rise("a"), when: { expression: "#n < :n", values: { n: 1, unused: 2 } } }),
  ),
  refuses("a condition must have the values that it uses", ({ store }) =>
    store.transact([{ ...rise("a"), when: { expression: "#n < :n" } }]),
  ),
  refuses("a condition must be one", ({ store }) =>
    store.transact([{ ...rise("a"), when: { expression: "#n <" } }]),
  ),
  refuses("a condition may not have redundant parentheses", ({ store }) =>
    store.update({ ...rise("a"), when: { expression: "((attribute_exists(pk)))" } }),
  ),
  refuses("a boolean has no order", ({ store }) =>
    store.update({ ...rise("a"), when: { expression: "#n < :n", values: { n: true } } }),
  ),
  refuses("a query may not end before it begins", ({ store }) => store.query("P", "b", "a")),
];

/** Units that a call consumes. */
const costs = (
  name: string,
  expected: { readonly read?: number; readonly write?: number },
  run: (setting: Setting) => Promise<unknown>,
): Case => ({
  test: `costs: ${name}`,
  run: async (subject) => {
    const setting = await setUp(subject);
    const { store, units } = setting;
    if (units === undefined) throw new Error("it does not count units");
    await store.transact([put("small", { b: text(10) }), put("large", { b: text(9 * KIB) })]);
    units.reset();
    await run(setting);
    expect(units.consumed).toEqual({ read: 0, write: 0, ...expected });
  },
});

export const prices: readonly Case[] = [
  costs("a read is a unit per 4 KB", { read: 3 }, ({ store }) => store.get(key("large"))),
  costs("a read of nothing is one unit", { read: 1 }, ({ store }) => store.get(key("none"))),
  costs("a query is charged for its items together", { read: 3 }, ({ store }) => store.query("P", " ", "~")),
  costs("a query of nothing is one unit", { read: 1 }, ({ store }) => store.query("Q", " ", "~")),
  costs(
    "a write is a unit per KB of the larger of before and after",
    { write: 1 + 10 + 10 },
    async ({ store }) => {
      await store.update(rise("small"));
      await store.update(rise("large"));
      await store.update({ name: "large", key: key("large"), update: { drop: ["b"] } });
    },
  ),
  costs(
    "a write in a transaction is two units per KB, a check included",
    { write: 2 + 20 + 2 },
    ({ store }) =>
      store.transact([
        rise("small"),
        rise("large"),
        { name: "none", key: key("none"), check: true, when: absent },
      ]),
  ),
  costs("a condition that fails is charged as the write", { write: 10 + 20 }, async ({ store }) => {
    const guarded = { ...rise("large"), when: absent };
    await store.update(guarded).catch(() => {});
    await store.transact([guarded]).catch(() => {});
  }),
  costs(
    "a transaction sent again after a lost reply is charged as a read",
    { write: 20, read: 6 },
    (setting) => withFaults(setting, ["lost-reply"], () => setting.store.transact([rise("large")])),
  ),
  costs("a deletion is charged for what was there", { write: 1 + 10 + 1 }, ({ store }) =>
    store.removeAll(["small", "large", "none"].map((sk) => key(sk))),
  ),
];
