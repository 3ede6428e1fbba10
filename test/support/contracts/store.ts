import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Unavailable } from "../../../shared/errors.ts";
import { type Change, ConditionFailed, type Item, Store } from "../../../shared/store/store.ts";
import { limits, prices } from "./store-limits.ts";
import { anyItem, anySequence, applyToModel, type Model, toItem } from "./store-model.ts";
import {
  absent,
  always,
  type Case,
  KIB,
  key,
  namesOf,
  oneToken,
  put,
  rise,
  type StoreSubject,
  set,
  setUp,
  text,
  withFaults,
} from "./store-setting.ts";

/** What the store does on any table that speaks DynamoDB's protocol. */

const reading: readonly Case[] = [
  {
    test: "an item reads back as it was put, alone and in a query",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await fc.assert(
        fc.asyncProperty(anyItem, fc.uuid(), async (item, sk) => {
          await store.transact([put(sk, item)]);
          const expected = { ...item, ...key(sk) };
          expect(await store.get(key(sk))).toEqual(expected);
          expect(await store.query("P", sk, sk)).toEqual([expected]);
        }),
        { numRuns: 40, seed: 1 },
      );
    },
  },
  {
    test: "every finite double survives as JSON in a string, bit for bit",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const doubles = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(doubles, fc.uuid(), async (values, sk) => {
          await store.update(set(sk, { values: JSON.stringify(values) }));
          const read = JSON.parse(String((await store.get(key(sk)))?.values));
          expect(read).toEqual(values.map((value) => value + 0));
        }),
        { numRuns: 20, seed: 2, examples: [[[5e-324, 1.7976931348623157e308, 2 ** 53 + 2, 0.1], "extreme"]] },
      );
    },
  },
  {
    test: "an item that was never written, or was removed, reads as null",
    run: async (subject) => {
      const { store } = await setUp(subject);
      expect(await store.get(key("a"))).toBeNull();
      await store.transact([put("a")]);
      await store.transact([{ name: "a", key: key("a"), remove: true }]);
      expect(await store.get(key("a"))).toBeNull();
      expect(await store.query("P", " ", "~")).toEqual([]);
    },
  },
  {
    test: "a query gives one partition's items between two sort keys, both included, in the order of their UTF-8 bytes",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const sorted = ["A", "B", "B#1", "B#10", "B#2", "a", "é", "\uffee", "😀"];
      await store.transact([
        ...sorted.toReversed().map((sk) => put(sk)),
        { name: "other", key: key("B", "Q"), put: {} },
      ]);
      const keys = async (from: string, to: string) =>
        (await store.query("P", from, to)).map((item) => item.sk);
      expect(await keys(" ", "\u{10ffff}")).toEqual(sorted);
      expect(await keys("B", "B#2")).toEqual(["B", "B#1", "B#10", "B#2"]);
      expect(await keys("B#11", "Z")).toEqual(["B#2"]);
      expect(await keys("C", "D")).toEqual([]);
    },
  },
  {
    test: "a query goes on past pages of 1 MB, and stops at its limit",
    run: async (subject) => {
      const setting = await setUp(subject);
      const { store } = setting;
      const sks = Array.from({ length: 14 }, (_, i) => `I#${String(i).padStart(2, "0")}`);
      for (const sk of sks) await store.transact([put(sk, { body: text(200 * KIB) })]);
      const read = async (limit?: number) => {
        let items: Item[] = [];
        const calls = await withFaults(setting, [], async () => {
          items = await store.query("P", " ", "~", limit);
        });
        return { sks: items.map((item) => item.sk), calls: calls.length };
      };
      expect(await read()).toEqual({ sks, calls: 3 });
      expect(await read(7)).toEqual({ sks: sks.slice(0, 7), calls: 2 });
      expect(await read(3)).toEqual({ sks: sks.slice(0, 3), calls: 1 });
      expect((await read(14)).sks).toEqual(sks);
    },
  },
  {
    test: "a list gives what begins with a prefix, from after a given one on, up to its limit",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact(["A#1", "B#", "B#a", "B#a\u0000", "B#ab", "B#é", "B", "C#a"].map((sk) => put(sk)));
      const keys = async (...rest: [after?: string, limit?: number]) =>
        (await store.list("P", "B#", ...rest)).map((item) => item.sk);
      expect(await keys()).toEqual(["B#", "B#a", "B#a\u0000", "B#ab", "B#é"]);
      expect(await keys("a")).toEqual(["B#a\u0000", "B#ab", "B#é"]);
      expect(await keys("aa")).toEqual(["B#ab", "B#é"]);
      expect(await keys("é")).toEqual([]);
      expect(await keys("", 2)).toEqual(["B#", "B#a"]);
      expect(await keys("a", 1)).toHaveLength(1);
    },
  },
];

const writing: readonly Case[] = [
  {
    test: "an update sets, adds and drops at once, and makes an item that was not there",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const update = { set: { a: "1", flag: true }, add: { n: 2 }, drop: ["gone"] };
      await store.update({ name: "u", key: key("u"), update });
      expect(await store.get(key("u"))).toEqual({ ...key("u"), a: "1", flag: true, n: 2 });
      await store.transact([
        { name: "u", key: key("u"), update: { set: { b: "2" }, add: { n: -5 }, drop: ["a", "flag"] } },
      ]);
      expect(await store.get(key("u"))).toEqual({ ...key("u"), b: "2", n: -3 });
    },
  },
  {
    test: "attributes may have any name, words that DynamoDB reserves as well",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const item = {
        state: "open",
        status: 1,
        values: "v",
        name: "n",
        size: 2,
        ttl: 3,
        trials: 4,
        order: "o",
      };
      await store.update({
        ...set("r", item),
        when: { expression: "attribute_not_exists(#status) AND attribute_not_exists(#size)" },
      });
      const when = { expression: "#values = :values AND #size < :size", values: { values: "v", size: 3 } };
      await store.update({ name: "r", key: key("r"), update: { drop: ["order"], add: { status: 1 } }, when });
      const { order, ...rest } = item;
      expect(await store.get(key("r"))).toEqual({ ...rest, ...key("r"), status: 2 });
    },
  },
  {
    test: "random sequences of changes leave what a model in memory has",
    run: async (subject) => {
      const { store } = await setUp(subject);
      let partition = 0;
      await fc.assert(
        fc.asyncProperty(anySequence, async (steps) => {
          const pk = `P${partition++}`;
          const model: Model = new Map();
          for (const step of steps) {
            const changes = step.changes.map((change) => ({
              ...change,
              key: { pk, sk: change.sk },
            }));
            const failed = applyToModel(model, step.changes);
            const [first] = changes;
            const run =
              step.alone && changes.length === 1 && first !== undefined && "update" in first
                ? store.update(first)
                : store.transact(changes);
            if (failed.length > 0) expect(await namesOf(run)).toEqual(failed);
            else await run;
            const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
            expect(await store.query(pk, " ", "~")).toEqual(
              expected.map(([sk, attributes]) => ({ ...toItem(attributes), pk, sk })),
            );
          }
        }),
        { numRuns: subject.sequences, seed: 3 },
      );
    },
  },
  {
    test: "removeAll removes hundreds of items, ignores absent ones and leaves the others",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const sks = Array.from({ length: 130 }, (_, i) => `R#${String(i).padStart(4, "0")}`);
      await store.transact(sks.slice(0, 90).map((sk) => put(sk)));
      await store.transact([...sks.slice(90), "keep"].map((sk) => put(sk)));
      await store.removeAll([...sks, "never there"].map((sk) => key(sk)));
      expect((await store.query("P", " ", "~")).map(({ sk }) => sk)).toEqual(["keep"]);
      await store.removeAll([]);
    },
  },
  {
    test: "removeAll sends again what the table gives back",
    run: async (subject) => {
      const setting = await setUp(subject);
      const { store, pauses } = setting;
      const sks = Array.from({ length: 30 }, (_, i) => `R#${i}`);
      await store.transact(sks.map((sk) => put(sk)));
      const calls = await withFaults(setting, ["partial", "partial"], () =>
        store.removeAll(sks.map((sk) => key(sk))),
      );
      expect(await store.query("P", " ", "~")).toEqual([]);
      // 25: 13 done, then 6 of 12, then 6; and the last five.
      expect(calls).toHaveLength(4);
      expect(pauses).toHaveLength(2);
    },
  },
];

const conditions: readonly Case[] = [
  {
    test: "conditions that do not hold are reported by the names of their changes, and nothing is written",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact([put("a", { n: 1 }), put("b", { n: 2 })]);
      const changes: Change[] = [
        { name: "first", key: key("a"), put: { n: 9 }, when: absent },
        { name: "second", key: key("b"), check: true, when: { expression: "#n = :n", values: { n: 2 } } },
        { name: "third", key: key("c"), check: true },
        { name: "fourth", key: key("d"), put: {} },
        { name: "fifth", key: key("e"), remove: true, when: { expression: "attribute_exists(pk)" } },
      ];
      expect(await namesOf(store.transact(changes))).toEqual(["fifth", "first", "third"]);
      expect((await store.query("P", " ", "~")).map(({ sk, n }) => [sk, n])).toEqual([
        ["a", 1],
        ["b", 2],
      ]);
      const lone = { ...rise("a"), name: "lone", when: { expression: "#n > :n", values: { n: 1 } } };
      expect(await namesOf(store.update(lone))).toEqual(["lone"]);
    },
  },
  {
    test: "a check asks for the item itself unless it says otherwise, and changes nothing",
    run: async (subject) => {
      const { store } = await setUp(subject);
      const check: Change = { name: "check", key: key("a"), check: true };
      expect(await namesOf(store.transact([check, put("b")]))).toEqual(["check"]);
      await store.transact([put("a", { n: 1 })]);
      await store.transact([check, put("b")]);
      await store.transact([{ ...check, when: { expression: "#n = :n", values: { n: 1 } } }, put("c")]);
      expect(await store.get(key("a"))).toEqual({ ...key("a"), n: 1 });
      expect(await store.query("P", " ", "~")).toHaveLength(3);
    },
  },
  {
    test: "an attribute that is missing, or of another type, differs from everything and is not in any order",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact([put("a", { n: 5, s: "5" })]);
      const ask = async (expression: string) => {
        const values = /:v/.test(expression) ? { values: { v: 5 } } : {};
        const check: Change = { name: "check", key: key("a"), check: true, when: { expression, ...values } };
        return store.transact([check]).then(
          () => true,
          (error) => !(error instanceof ConditionFailed),
        );
      };
      const expected: Record<string, boolean> = {
        "#missing = :v": false,
        "#missing <> :v": true,
        "#missing < :v": false,
        "#missing >= :v": false,
        "NOT #missing < :v": true,
        "#s = :v": false,
        "#s <> :v": true,
        "#s < :v": false,
        "#s >= :v": false,
        "#n BETWEEN :v AND :v": true,
        "#s BETWEEN :v AND :v": false,
        "attribute_not_exists(#missing) OR #missing < :v": true,
        "attribute_exists(#missing) OR #n <= :v": true,
        "#n = :v AND attribute_exists(#s)": true,
        // NOT binds closer than AND, AND closer than OR.
        "#n = :v OR #n <> :v AND attribute_exists(#missing)": true,
        "(#n = :v OR #n <> :v) AND attribute_exists(#missing)": false,
        "NOT #n <> :v OR attribute_exists(#missing)": true,
      };
      const found: Record<string, boolean> = {};
      for (const expression of Object.keys(expected)) found[expression] = await ask(expression);
      expect(found).toEqual(expected);
    },
  },
  {
    test: "many writers on one item lose no increment and double none",
    run: async (subject) => {
      const { client, tableName, store: first } = await setUp(subject);
      await first.transact([put("counter", { n: 0, rev: 0 })]);
      const writer = async () => {
        const jitter = Math.random;
        const store = new Store({ client, table: tableName, jitter, token: randomUUID });
        for (let done = 0; done < 5; ) {
          const rev = Number((await store.get(key("counter")))?.rev);
          const optimistic: Change = {
            name: "counter",
            key: key("counter"),
            update: { set: { rev: rev + 1 }, add: { n: 1 } },
            when: { expression: "#rev = :rev", values: { rev } },
          };
          try {
            await store.transact([optimistic, put(`done ${randomUUID()}`)]);
            done++;
          } catch (error) {
            if (!(error instanceof ConditionFailed)) throw error;
          }
          await store.update(rise("total"));
        }
      };
      await Promise.all(Array.from({ length: 8 }, writer));
      expect(await first.get(key("counter"))).toMatchObject({ n: 40, rev: 40 });
      expect(await first.list("P", "done ")).toHaveLength(40);
      expect(Number((await first.get(key("total")))?.n)).toBeGreaterThanOrEqual(40);
    },
  },
];

const failing: readonly Case[] = [
  {
    test: "a transaction whose reply is lost is carried out once",
    run: async (subject) => {
      const setting = await setUp(subject);
      const { store } = setting;
      await store.transact([put("a", { n: 0 })]);
      await withFaults(setting, ["lost-reply", "lost-reply"], async () => {
        await store.transact([{ ...rise("a"), when: { expression: "#n = :n", values: { n: 0 } } }]);
        await store.transact([rise("a"), put("b")]);
      });
      expect(await store.get(key("a"))).toMatchObject({ n: 2 });
    },
  },
  {
    test: "a lone update whose reply is lost fails its condition, though it was carried out",
    run: async (subject) => {
      const setting = await setUp(subject);
      const { store } = setting;
      await withFaults(setting, ["lost-reply"], async () => {
        expect(await namesOf(store.update({ ...set("a", { n: 1 }), when: absent }))).toEqual(["a"]);
      });
      expect(await store.get(key("a"))).toMatchObject({ n: 1 });
    },
  },
  {
    test: "a token stands for one transaction: the same is not repeated, another is refused",
    run: async (subject) => {
      const { store } = await setUp(subject, { token: oneToken() });
      await store.transact([rise("a")]);
      await store.transact([rise("a")]);
      expect(await store.get(key("a"))).toMatchObject({ n: 1 });
      await expect(store.transact([rise("a", 2)])).rejects.toMatchObject({
        name: "IdempotentParameterMismatchException",
      });
      expect(await store.get(key("a"))).toMatchObject({ n: 1 });
    },
  },
  {
    test: "a transaction that was cancelled may be sent again with its token",
    run: async (subject) => {
      const { store } = await setUp(subject, { token: oneToken() });
      const guarded: Change = { ...rise("a"), when: { expression: "attribute_exists(pk)" } };
      expect(await namesOf(store.transact([guarded]))).toEqual(["a"]);
      await store.update(rise("a"));
      await store.transact([guarded]);
      expect(await store.get(key("a"))).toMatchObject({ n: 2 });
    },
  },
  {
    test: "a token is forgotten after ten minutes",
    run: async (subject) => {
      const { store, wait } = await setUp(subject, { token: oneToken() });
      if (wait === undefined) throw new Error("its clock cannot be set");
      await store.transact([rise("a")]);
      wait(10 * 60_000 - 1);
      await store.transact([rise("a")]);
      expect(await store.get(key("a"))).toMatchObject({ n: 1 });
      wait(1);
      await store.transact([rise("a")]);
      expect(await store.get(key("a"))).toMatchObject({ n: 2 });
    },
  },
  {
    test: "an update gives the whole item as it is then, to each of many at once their own",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact([put("a", { text: "kept", n: 5 })]);
      expect(await store.update(rise("a"))).toEqual({ ...key("a"), text: "kept", n: 6 });
      const all = await Promise.all(Array.from({ length: 20 }, () => store.update(rise("a"))));
      expect(all.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, i) => 7 + i),
      );
    },
  },
  {
    test: "a write that meets another transaction is sent again, and in the end is reported as unavailable",
    run: async (subject) => {
      const setting = await setUp(subject);
      const { store, pauses } = setting;
      await withFaults(setting, ["conflict", "conflict"], () => store.transact([rise("a"), put("b")]));
      await withFaults(setting, ["conflict"], () => store.update(rise("a")));
      expect(await store.get(key("a"))).toMatchObject({ n: 2 });
      expect(pauses).toEqual([20, 40, 20]);
      for (const write of [() => store.transact([rise("a")]), () => store.update(rise("a"))]) {
        const calls = await withFaults(setting, always("conflict"), () =>
          expect(write()).rejects.toBeInstanceOf(Unavailable),
        );
        expect(calls).toHaveLength(10);
      }
      expect(await store.get(key("a"))).toMatchObject({ n: 2 });
    },
  },
  {
    test: "a batch write goes on for as long as the table does a part of it",
    run: async (subject) => {
      const setting = await setUp(subject);
      const sks = Array.from({ length: 25 }, (_, i) => `R#${i}`);
      // Half of the requests are left each time: 25, 12, 6, 3, 1.
      const calls = await withFaults(setting, always("partial"), () =>
        setting.store.removeAll(sks.map((sk) => key(sk))),
      );
      expect(calls).toHaveLength(5);
    },
  },
  {
    test: "a table that stays throttled is reported as unavailable, and nothing is written",
    run: async (subject) => {
      const setting = await setUp(subject);
      const { store } = setting;
      const calls = [
        () => store.get(key("a")),
        () => store.query("P", " ", "~"),
        () => store.update(rise("a")),
        () => store.transact([rise("a")]),
        () => store.removeAll([key("a")]),
      ];
      await withFaults(setting, always("throttle"), async () => {
        for (const call of calls) await expect(call()).rejects.toBeInstanceOf(Unavailable);
      });
      expect(await store.get(key("a"))).toBeNull();
    },
  },
  {
    test: "pauses double up to a second and a half, with full jitter",
    run: async (subject) => {
      const { store, pauses } = await setUp(subject);
      for (let attempt = 1; attempt <= 10; attempt++) await store.pause(attempt);
      expect(pauses).toEqual([20, 40, 80, 160, 320, 640, 1280, 1500, 1500, 1500]);
      const half = await setUp(subject, { jitter: () => 0.5 });
      await half.store.pause(1);
      expect(half.pauses).toEqual([10]);
    },
  },
];

/** The cases for which a table must count units. */
export const priceTests: readonly string[] = prices.map((each) => each.test);

const cases: readonly Case[] = [...reading, ...writing, ...conditions, ...failing, ...limits, ...prices];

/** Registers the tests of the contract for one kind of table. */
export const storeContract = (subject: StoreSubject): void => {
  const declined = new Map(subject.declined.map((each) => [each.test, each.reason]));
  for (const { test: name, run } of cases) {
    const reason = declined.get(name);
    if (reason === undefined) test(`${subject.name}: ${name}`, () => run(subject));
    else {
      test(`${subject.name} does not show: ${name} (${reason})`, async () => {
        await expect(run(subject)).rejects.toThrow();
      });
    }
  }
  test(`${subject.name} declines only cases that there are`, () => {
    const names = new Set(cases.map((each) => each.test));
    expect([...declined.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
};
