import fc from "fast-check";
import type { Condition, Item, Update } from "../../../shared/store/store.ts";

/** A model of the store in plain objects, and random changes to try on both. */

const attributeName = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,20}$/)
  .filter((name) => !/^(pk|sk)$/.test(name));
const anyText = fc.string({ unit: "binary", maxLength: 50 });

/** Items of everything that the store carries. */
export const anyItem: fc.Arbitrary<Item> = fc.dictionary(
  attributeName,
  fc.oneof(
    anyText,
    fc.maxSafeInteger(),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
  ),
  { maxKeys: 8, noNullPrototype: true },
);

type Scalar = string | number | boolean;
type Attributes = ReadonlyMap<string, Scalar>;
/** Items by sort key. */
export type Model = Map<string, Attributes>;

export const toItem = (attributes: Attributes): Item => Object.fromEntries(attributes);

/** A condition as the store takes it, and as the model evaluates it. */
interface ModelCondition {
  readonly expression: string;
  readonly values: Readonly<Record<string, Scalar>>;
  readonly holds: (item: Attributes | undefined) => boolean;
}

/** Attributes of the sequences by type, so that a number is never added to a string. */
const NUMBERS = ["n", "m", "count"] as const;
const TEXTS = ["s", "state"] as const;
const FLAGS = ["started"] as const;
const ALL = [...NUMBERS, ...TEXTS, ...FLAGS];

const aNumber = fc.integer({ min: -3, max: 3 });
const aText = fc.constantFrom("", "a", "ab", "b", "é", "😀");

const comparison = (
  name: string,
  by: string,
  value: Scalar,
  compare: (order: number) => boolean,
): ModelCondition => ({
  expression: `#${name} ${by} :v`,
  values: { v: value },
  holds: (item) => {
    const own = item?.get(name);
    if (typeof own !== typeof value || own === undefined) return by === "<>";
    return compare(order(own, value));
  },
});

const order = (a: Scalar, b: Scalar): number => {
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
};

const comparators: Readonly<Record<string, (order: number) => boolean>> = {
  "=": (x) => x === 0,
  "<>": (x) => x !== 0,
  "<": (x) => x < 0,
  "<=": (x) => x <= 0,
  ">": (x) => x > 0,
  ">=": (x) => x >= 0,
};

const anyComparison = fc
  .record({ name: fc.constantFrom(...ALL), by: fc.constantFrom(...Object.keys(comparators)) })
  .chain(({ name, by }) => {
    const ordered = fc.oneof(aNumber, aText);
    const value = by === "=" || by === "<>" ? fc.oneof(ordered, fc.boolean()) : ordered;
    return value.map((each) => comparison(name, by, each, comparators[by] ?? (() => false)));
  });

const anyExistence = fc.record({ name: fc.constantFrom(...ALL), is: fc.boolean() }).map(
  ({ name, is }): ModelCondition => ({
    expression: `attribute_${is ? "" : "not_"}exists(#${name})`,
    values: {},
    holds: (item) => (item?.has(name) === true) === is,
  }),
);

const anyPresence = fc.boolean().map(
  (is): ModelCondition => ({
    expression: `attribute_${is ? "" : "not_"}exists(pk)`,
    values: {},
    holds: (item) => (item !== undefined) === is,
  }),
);

/** Of strings only: what becomes of a number is documented nowhere. */
const anyPrefix = fc.record({ name: fc.constantFrom(...TEXTS), prefix: aText }).map(
  ({ name, prefix }): ModelCondition => ({
    expression: `begins_with(#${name}, :v)`,
    values: { v: prefix },
    holds: (item) => {
      const own = item?.get(name);
      return typeof own === "string" && own.startsWith(prefix);
    },
  }),
);

const anyRange = fc
  .record({ name: fc.constantFrom(...ALL), bounds: fc.tuple(aNumber, aNumber) })
  .map(({ name, bounds }): ModelCondition => {
    const [low, high] = [Math.min(...bounds), Math.max(...bounds)];
    return {
      expression: `#${name} BETWEEN :low AND :high`,
      values: { low, high },
      holds: (item) => {
        const own = item?.get(name);
        return typeof own === "number" && own >= low && own <= high;
      },
    };
  });

/** Gives the values of one side names that the other side cannot have. */
const renamed = ({ expression, values, holds }: ModelCondition, suffix: string): ModelCondition => ({
  expression: expression.replace(/:\w+/g, (name) => name + suffix),
  values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name + suffix, value])),
  holds,
});

const join = (word: "AND" | "OR", left: ModelCondition, right: ModelCondition): ModelCondition => {
  const [a, b] = [renamed(left, "l"), renamed(right, "r")];
  return {
    expression: `(${a.expression} ${word} ${b.expression})`,
    values: { ...a.values, ...b.values },
    holds: (item) => (word === "AND" ? a.holds(item) && b.holds(item) : a.holds(item) || b.holds(item)),
  };
};

const { anyCondition } = fc.letrec<{ anyCondition: ModelCondition }>((tie) => ({
  anyCondition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    anyPresence,
    anyExistence,
    anyComparison,
    anyPrefix,
    anyRange,
    tie("anyCondition").map(
      (part): ModelCondition => ({
        ...part,
        expression: `NOT ${part.expression}`,
        holds: (item) => !part.holds(item),
      }),
    ),
    fc
      .tuple(fc.constantFrom("AND" as const, "OR" as const), tie("anyCondition"), tie("anyCondition"))
      .map(([word, left, right]) => join(word, left, right)),
  ),
}));

const someOf = <T extends Scalar>(names: readonly string[], value: fc.Arbitrary<T>) =>
  fc.dictionary(fc.constantFrom(...names), value, { maxKeys: names.length, noNullPrototype: true });

const anyAttributes = fc
  .tuple(someOf(NUMBERS, aNumber), someOf(TEXTS, aText), someOf(FLAGS, fc.boolean()))
  .map(([numbers, texts, flags]): Record<string, Scalar> => ({ ...numbers, ...texts, ...flags }));

/** Each attribute at most once, and at least one. */
const anyUpdate = fc
  .record({
    set: anyAttributes,
    add: someOf(NUMBERS, aNumber),
    drop: fc.uniqueArray(fc.constantFrom(...ALL), { maxLength: 3 }),
  })
  .map(({ set, add, drop }): Update => {
    const rest = Object.fromEntries(Object.entries(add).filter(([name]) => !(name in set)));
    return { set, add: rest, drop: drop.filter((name) => !(name in set || name in rest)) };
  })
  .filter(({ set = {}, add = {}, drop = [] }) => Object.keys({ ...set, ...add }).length + drop.length > 0);

/** A change of a sequence: the store's, with a sort key in place of the key, and what the model does with it. */
export type ModelChange = { readonly name: string; readonly sk: string; readonly when?: Condition } & (
  | { readonly put: Item }
  | { readonly update: Update }
  | { readonly remove: true }
  | { readonly check: true }
) & { readonly apply: (item: Attributes | undefined) => Attributes | undefined } & {
    readonly holds: (item: Attributes | undefined) => boolean;
  };

const applyUpdate = ({ set = {}, add = {}, drop = [] }: Update, before: Attributes = new Map()) => {
  const item = new Map(before);
  for (const [name, value] of Object.entries(set)) item.set(name, value as Scalar);
  for (const [name, by] of Object.entries(add)) item.set(name, Number(item.get(name) ?? 0) + by);
  for (const name of drop) item.delete(name);
  return item;
};

const anyEffect = fc.oneof(
  anyAttributes.map((put) => ({ put, apply: () => new Map(Object.entries(put)) })),
  anyUpdate.map((update) => ({ update, apply: (item?: Attributes) => applyUpdate(update, item) })),
  fc.constant({ remove: true as const, apply: () => undefined }),
  fc.constant({ check: true as const, apply: (item?: Attributes) => item }),
);

const anyChange = (sk: string): fc.Arbitrary<ModelChange> =>
  fc.record({ effect: anyEffect, condition: fc.option(anyCondition) }).map(({ effect, condition }) => ({
    name: `change of ${sk}`,
    sk,
    ...effect,
    ...(condition !== null && { when: { expression: condition.expression, values: condition.values } }),
    holds: (item) =>
      condition === null ? !("check" in effect) || item !== undefined : condition.holds(item),
  }));

/** A transaction, or a change alone. */
export interface Step {
  readonly changes: readonly ModelChange[];
  /** An update is sent by itself when it is the only change. */
  readonly alone: boolean;
}

export const anySequence: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    changes: fc
      .uniqueArray(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 })
      .chain((sks) => fc.tuple(...sks.map(anyChange))),
    alone: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Applies a step to the model. @returns the names of the changes whose conditions fail, sorted; then nothing is done. */
export const applyToModel = (model: Model, changes: readonly ModelChange[]): string[] => {
  const failed = changes.filter(({ sk, holds }) => !holds(model.get(sk)));
  if (failed.length > 0) return failed.map(({ name }) => name).sort();
  for (const { sk, apply } of changes) {
    const item = apply(model.get(sk));
    if (item === undefined) model.delete(sk);
    else model.set(sk, item);
  }
  return [];
};
