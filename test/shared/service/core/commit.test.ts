import { expect, test } from "vitest";
import { Conflict, NotFound } from "../../../../shared/errors.ts";
import {
  type CommitOptions,
  commit,
  commitOnce,
  type Plan,
  updateOnce,
  wasAnswered,
} from "../../../../shared/service/core/commit.ts";
import type { WriteContext } from "../../../../shared/service/core/deps.ts";
import { receiptKey } from "../../../../shared/store/keys.ts";
import { MAX_ACTIONS } from "../../../../shared/store/limits.ts";
import { type Change, Store, type Update } from "../../../../shared/store/store.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { Crash, injectFaults } from "../../../support/faults.ts";
import { before, commandsOf, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { keyed, noReceipt, testDeps } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const clock = { now: Date.parse("2026-11-23T12:00:00Z") };
const quick = new Store({ client, table: tableName, jitter: () => 0, token: () => crypto.randomUUID() });
const deps = testDeps(client, tableName, clock, { store: quick });

let counters = 0;
/** A stored counter, and the plan that reads it and raises it by one. */
const counter = async () => {
  const key = { pk: `COUNTER#${counters++}`, sk: "COUNTER" };
  const read = async () => Number((await deps.store.get(key))?.n ?? 0);
  const raise = (n: number): Change & { update: Update } => ({
    name: "counter",
    key,
    update: { set: { n: n + 1 } },
    when: n === 0 ? { expression: "attribute_not_exists(pk)" } : { expression: "#n = :n", values: { n } },
  });
  let plans = 0;
  const plan = async (): Promise<Plan<number>> => {
    plans++;
    const n = await read();
    return { changes: [raise(n)], answer: n + 1 };
  };
  return { key, read, raise, plan, plans: () => plans };
};

const write = <T>(
  plan: () => Promise<Plan<T>>,
  context: WriteContext = noReceipt,
  options?: CommitOptions<T, T>,
) => commit(deps, context, plan, options);

test("what is planned is written, and the plan's answer given", async () => {
  const { plan, read, plans } = await counter();
  expect(await write(plan)).toBe(1);
  expect(await read()).toBe(1);
  expect(plans()).toBe(1);
});

test("a plan without changes writes nothing and answers", async () => {
  const commands = await commandsOf(client, async () => {
    expect(await write(async () => ({ changes: [], answer: "nothing to do" }))).toBe("nothing to do");
  });
  expect(commands).toEqual([]);
});

test("when what was read has changed before it was written, the plan is made again", async () => {
  const { plan, read, raise, plans } = await counter();
  before(client, TRANSACT, () => deps.store.update(raise(0)));
  expect(await write(plan)).toBe(2);
  expect(await read()).toBe(2);
  expect(plans()).toBe(2);
});

test("twenty commits at once are all counted", async () => {
  const { plan, read } = await counter();
  const answers = await Promise.all(Array.from({ length: 20 }, () => write(plan, noReceipt, { tries: 100 })));
  expect(await read()).toBe(20);
  expect(new Set(answers).size).toBe(20);
});

test("a failed condition that the plan names is final, and its refusal is thrown", async () => {
  const { raise, plans, plan, read } = await counter();
  await write(plan);
  const refused = async (): Promise<Plan<null>> => ({
    changes: [raise(0)],
    answer: null,
    refusals: { counter: () => new NotFound({ kind: "no-path" }) },
  });
  await expect(write(refused)).rejects.toMatchObject({ type: "not-found" });
  expect(await read()).toBe(1);
  expect(plans()).toBe(1);
});

test("a refusal of another change's name does not end a stale plan", async () => {
  const { raise, plan, read } = await counter();
  before(client, TRANSACT, () => deps.store.update(raise(0)));
  const planned = async () => ({
    ...(await plan()),
    refusals: { other: () => new NotFound({ kind: "no-path" }) },
  });
  expect(await write(planned)).toBe(2);
  expect(await read()).toBe(2);
});

test("what a plan throws is thrown", async () => {
  const conflict = new Conflict({ kind: "study-finished" });
  await expect(write(() => Promise.reject(conflict))).rejects.toBe(conflict);
});

test("after so many tries, or so many milliseconds of the service's clock, it says that Hone is busy", async () => {
  const { raise, read } = await counter();
  let plans = 0;
  const stale = async (): Promise<Plan<null>> => {
    plans++;
    clock.now += 1000;
    return { changes: [raise(7)], answer: null };
  };
  await expect(write(stale, noReceipt, { tries: 3 })).rejects.toMatchObject({ type: "unavailable" });
  expect(plans).toBe(3);
  plans = 0;
  await expect(write(stale, noReceipt, { milliseconds: 4500 })).rejects.toMatchObject({
    type: "unavailable",
  });
  expect(plans).toBe(5);
  plans = 0;
  await expect(write(stale)).rejects.toMatchObject({ type: "unavailable" });
  expect(plans).toBe(10);
  expect(await read()).toBe(0);
});

test("a request with a key is committed once: the repeat gets the first answer and makes no plan", async () => {
  const { plan, plans, read } = await counter();
  expect(await write(plan, keyed("once"))).toBe(1);
  expect(await write(plan, keyed("once"))).toBe(1);
  expect(await read()).toBe(1);
  expect(plans()).toBe(1);
});

test("a key with another body is refused before anything is planned", async () => {
  const { plan, plans } = await counter();
  await write(plan, keyed("reused", { count: 1 }));
  await expect(write(plan, keyed("reused", { count: 2 }))).rejects.toMatchObject({ type: "key-reuse" });
  expect(plans()).toBe(1);
});

test("a key is free again after 24 hours", async () => {
  const { plan, read } = await counter();
  await write(plan, keyed("daily"));
  clock.now += 24 * 3_600_000;
  expect(await write(plan, keyed("daily", { other: true }))).toBe(2);
  expect(await read()).toBe(2);
});

test("a plan without changes remembers its answer under the key", async () => {
  let answer = "first";
  const plan = async () => ({ changes: [], answer });
  await write(plan, keyed("read-only"));
  answer = "second";
  expect(await write(plan, keyed("read-only"))).toBe("first");
});

test("what is remembered in place of the answer is what the repeat gets", async () => {
  const plan = async () => ({
    changes: [],
    answer: { id: 1, secret: "shown once" },
    remembered: { id: 1, secret: "" },
  });
  expect(await write(plan, keyed("secret"))).toEqual({ id: 1, secret: "shown once" });
  expect(await write(plan, keyed("secret"))).toEqual({ id: 1, secret: "" });
});

test("the same request in progress elsewhere is answered by its result, if there is one", async () => {
  const { plan, read } = await counter();
  // The other one commits just before this one writes: its answer stands.
  before(client, TRANSACT, () => write(plan, keyed("twice")));
  expect(await write(plan, keyed("twice"))).toBe(1);
  expect(await read()).toBe(1);
});

test("a receipt that is used and not readable yet means that the request is in progress", async () => {
  const { plan, read } = await counter();
  before(client, TRANSACT, async () => {
    await write(async () => ({ changes: [], answer: 1 }), keyed("progress"));
    // It is used when this request is written, and gone when it is looked up.
    before(client, "GetItemCommand", () => deps.store.removeAll([receiptKey("progress")]));
  });
  await expect(write(plan, keyed("progress"))).rejects.toMatchObject({ type: "in-progress", retryAfter: 1 });
  expect(await read()).toBe(0);
});

test("a refusal gives way to the answer of the same request, which was made before", async () => {
  const { raise, read } = await counter();
  const once = async (): Promise<Plan<string>> => ({
    changes: [raise(0)],
    answer: "done",
    refusals: { counter: () => new NotFound({ kind: "no-path" }) },
  });
  before(client, TRANSACT, () => write(once, keyed("refused")));
  expect(await write(once, keyed("refused"))).toBe("done");
  expect(await read()).toBe(1);
});

test("a process that dies after its write has made it: the repeat with its key gets the answer", async () => {
  const { plan, read } = await counter();
  const restore = injectFaults(client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await expect(write(plan, keyed("crash"))).rejects.toThrow(Crash);
  restore();
  expect(await write(plan, keyed("crash"))).toBe(1);
  expect(await read()).toBe(1);
});

test("a lone update is written alone, without a key; with one, or with other changes, in a transaction", async () => {
  const { plan } = await counter();
  const lone = async () => ({ ...(await plan()), lone: true as const });
  const writesOf = async (planned: () => Promise<Plan<number>>, context: WriteContext) =>
    (await commandsOf(client, () => write(planned, context))).filter(
      (command) => command !== "GetItemCommand",
    );
  expect(await writesOf(lone, noReceipt)).toEqual([UPDATE]);
  expect(await writesOf(lone, keyed("lone"))).toEqual([TRANSACT]);
  expect(await writesOf(plan, noReceipt)).toEqual([TRANSACT]);
  const other: Change = { name: "other", key: { pk: "OTHER", sk: "OTHER" }, put: { x: 1 } };
  const two = async () => {
    const planned = await lone();
    return { ...planned, changes: [...planned.changes, other] };
  };
  expect(await writesOf(two, noReceipt)).toEqual([TRANSACT]);
  const put = async () => ({ changes: [other], answer: 0, lone: true as const });
  expect(await writesOf(put, noReceipt)).toEqual([TRANSACT]);
});

test("a lone update that loses a race is planned again", async () => {
  const { plan, raise, read } = await counter();
  before(client, UPDATE, () => deps.store.update(raise(0)));
  expect(await write(async () => ({ ...(await plan()), lone: true }))).toBe(2);
  expect(await read()).toBe(2);
});

const GUARD = { pk: "GUARD", sk: "GUARD" };
const guard: Change = {
  name: "guard",
  key: GUARD,
  check: true,
  when: { expression: "#open = :open", values: { open: true } },
};
const items = (prefix: string, count: number): Change[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `item-${i}`,
    key: { pk: prefix, sk: String(i).padStart(4, "0") },
    put: { i },
  }));
const openGuard = (open: boolean) => deps.store.transact([{ name: "guard", key: GUARD, put: { open } }]);

test("with a guard more changes than a transaction takes are written in several, each of them guarded", async () => {
  await openGuard(true);
  const changes = items("MANY", 2 * (MAX_ACTIONS - 1) + 1);
  const commands = await commandsOf(client, () => write(async () => ({ guard, changes, answer: null })));
  expect(commands).toEqual([TRANSACT, TRANSACT, TRANSACT]);
  expect(await deps.store.query("MANY", " ", "~")).toHaveLength(changes.length);
});

test("a guard that fails midway ends the writing there, and the rest is planned again", async () => {
  await openGuard(true);
  const changes = items("MIDWAY", 150);
  let plans = 0;
  const plan = async (): Promise<Plan<string>> => {
    if (++plans === 2) return { changes: [], answer: "closed" };
    return { guard, changes, answer: "written" };
  };
  before(client, TRANSACT, () => openGuard(false), 2);
  expect(await write(plan)).toBe("closed");
  expect(await deps.store.query("MIDWAY", " ", "~")).toHaveLength(MAX_ACTIONS - 1);
});

test("a guard without changes costs nothing", async () => {
  expect(await commandsOf(client, () => write(async () => ({ guard, changes: [], answer: null })))).toEqual(
    [],
  );
});

test("once means once: a failed condition is told, and nothing is written again", async () => {
  const { raise, read } = await counter();
  expect(await commitOnce(deps, [raise(0)])).toBe(true);
  expect(await commitOnce(deps, [raise(0)])).toBe(false);
  expect(await commitOnce(deps, [])).toBe(true);
  expect(await updateOnce(deps, raise(1))).toBe(true);
  expect(await updateOnce(deps, raise(1))).toBe(false);
  expect(await read()).toBe(2);
});

test("what is no failed condition is thrown", async () => {
  const restore = injectFaults(client, () => "crash-before");
  const { raise, plan } = await counter();
  await expect(commitOnce(deps, [raise(0)])).rejects.toThrow(Crash);
  await expect(updateOnce(deps, raise(0))).rejects.toThrow(Crash);
  await expect(write(plan)).rejects.toThrow(Crash);
  restore();
});

test("whether a request was answered is known by its key and its body", async () => {
  const { plan } = await counter();
  expect(await wasAnswered(deps, keyed("answered"))).toBe(false);
  await write(plan, keyed("answered"));
  expect(await wasAnswered(deps, keyed("answered"))).toBe(true);
  expect(await wasAnswered(deps, keyed("answered", { other: true }))).toBe(false);
  expect(await wasAnswered(deps, noReceipt)).toBe(false);
});
