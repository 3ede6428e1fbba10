import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Unavailable } from "../../../shared/errors.ts";
import type { Key } from "../../../shared/store/keys.ts";
import {
  type Change,
  ConditionFailed,
  type Item,
  Store,
  type StoreOptions,
  type Update,
} from "../../../shared/store/store.ts";
import { type Fault, injectFaults, retryAtOnce } from "../faults.ts";
import type { Meter } from "../memory-table/units.ts";
import type { TestTable } from "../table.ts";
import { anyItem, anySequence, applyToModel, type Model, toItem } from "./store-model.ts";

/** What the store does on any table that speaks DynamoDB's protocol. */

/** A table under test, and what it lets a test see beside the protocol. */
export interface SubjectTable extends TestTable {
  /** What its requests consumed. */
  readonly units?: Meter;
  /** Lets time pass for it. */
  readonly wait?: (ms: number) => void;
}

export interface StoreSubject {
  readonly name: string;
  /** @returns an empty table of its own, and a client. */
  create(): Promise<SubjectTable>;
  /** Cases that the table cannot pass, each with the reason. They are run all the same, and must fail. */
  readonly declined: readonly { readonly test: string; readonly reason: string }[];
  /** How many random sequences are tried. */
  readonly sequences: number;
}

/** A store on a table of its own, which does not wait: `pauses` has how long it would have. */
const setUp = async (subject: StoreSubject, options: Partial<StoreOptions> = {}) => {
  const table = await subject.create();
  retryAtOnce(table.client);
  const pauses: number[] = [];
  const store = new Store({
    client: table.client,
    table: table.tableName,
    jitter: () => 1,
    token: randomUUID,
    sleep: async (ms) => void pauses.push(ms),
    ...options,
  });
  return { ...table, store, pauses };
};

type Setting = Awaited<ReturnType<typeof setUp>>;

const key = (sk: string, pk = "P"): Key => ({ pk, sk });
const absent = { expression: "attribute_not_exists(pk)" };
const put = (sk: string, item: Item = {}): Change => ({ name: sk, key: key(sk), put: item });
const set = (sk: string, item: Item): Change & { update: Update } => ({
  name: sk,
  key: key(sk),
  update: { set: item },
});
const rise = (sk: string, by = 1): Change & { update: Update } => ({
  name: sk,
  key: key(sk),
  update: { add: { n: by } },
});
const text = (bytes: number) => "x".repeat(bytes);
const KIB = 1024;

const namesOf = async (run: Promise<unknown>): Promise<string[]> => {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConditionFailed)) throw error ?? new Error("no condition failed");
  return [...error.names].sort();
};

/** The table refused the request: no condition failed, and the table was within reach. */
const expectRefused = async (run: Promise<unknown>): Promise<void> => {
  const error = await run.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({
    name: expect.stringMatching(/^(ValidationException|TransactionCanceledException)$/),
  });
};

/** The first calls meet the faults of a list, one fault per call; later calls meet none. @returns the calls. */
const withFaults = async (
  { client }: TestTable,
  faults: readonly Fault[],
  run: () => Promise<void>,
): Promise<string[]> => {
  const calls: string[] = [];
  const restore = injectFaults(client, (command, call) => {
    calls.push(command);
    return faults[call] ?? "none";
  });
  try {
    await run();
  } finally {
    restore();
  }
  return calls;
};

const always = (fault: Fault) => Array.from({ length: 100 }, () => fault);

/** Always the same token. Tokens belong to an account: tests must not share one. */
const oneToken = () => {
  const token = randomUUID();
  return () => token;
};

interface Case {
  readonly test: string;
  readonly run: (subject: StoreSubject) => Promise<void>;
}

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
): Case => ({
  test: name,
  run: async (subject) => {
    const setting = await setUp(subject);
    await prepare(setting);
    const before = await setting.store.query("P", " ", "~");
    await expectRefused(write(setting));
    expect(await setting.store.query("P", " ", "~")).toEqual(before);
  },
});

const limits: readonly Case[] = [
  {
    test: "an item may have 400 KB, names and keys counted",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact([put("s", itemOf(400 * KIB))]);
      await expectRefused(store.transact([put("s", itemOf(400 * KIB + 1))]));
      expect(await store.get(key("s"))).toEqual({ ...itemOf(400 * KIB), ...key("s") });
    },
  },
  refuses(
    "an update may not make an item larger than 400 KB",
    ({ store }) => store.update(set("s", { c: text(KIB) })),
    ({ store }) => store.transact([put("s", itemOf(400 * KIB - 1000))]),
  ),
  refuses(
    "an update in a transaction may not make an item larger than 400 KB",
    ({ store }) => store.transact([set("s", { c: text(KIB) }), put("other")]),
    ({ store }) => store.transact([put("s", itemOf(400 * KIB - 1000))]),
  ),
  {
    test: "a transaction may have 100 changes",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact(puts(100, 1));
      expect(await store.query("P", " ", "~")).toHaveLength(100);
      await expectRefused(store.transact(puts(101, 2)));
    },
  },
  {
    test: "a transaction may have 4 MB",
    run: async (subject) => {
      const { store } = await setUp(subject);
      await store.transact(puts(10, 400 * KIB - 100));
      await expectRefused(store.transact(puts(11, 400 * KIB - 100)));
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
      await expectRefused(store.transact(sks.map((sk) => rise(sk))));
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

const prices: readonly Case[] = [
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
