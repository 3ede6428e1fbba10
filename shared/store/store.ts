import {
  type AttributeValue,
  BatchWriteItemCommand,
  type CancellationReason,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactionInProgressException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { Unavailable } from "../errors.ts";
import { type Key, keyOf } from "./keys.ts";
import { itemBytes, itemTooLarge, refuseLargeItem, refuseLargeTransaction, writeTooLarge } from "./limits.ts";

/**
 * The table, as the item files see it: plain objects in and out, conditions whose failure carries the name of
 * the change that failed, and a token of ours on every transaction, so that a retry after a lost reply is harmless.
 */

/** An item as stored: strings, safe integers, booleans and bytes. Doubles travel inside JSON strings. */
export type Item = Record<string, string | number | boolean | Uint8Array>;

/** A condition, with `#name` and `:value` placeholders that refer to `values` and to attributes of the same name. */
export interface Condition {
  readonly expression: string;
  readonly values?: Readonly<Record<string, string | number | boolean>>;
}

/** All of the conditions that there are; undefined when there is none. Their values must have different names. */
export const allOf = (...conditions: readonly (Condition | undefined)[]): Condition | undefined => {
  const given = conditions.filter((condition) => condition !== undefined);
  if (given.length < 2) return given[0];
  return {
    expression: given.map(({ expression }) => `(${expression})`).join(" AND "),
    values: Object.assign({}, ...given.map(({ values }) => values)),
  };
};

/** One item's change in a transaction. `name` identifies it in a ConditionFailed. */
export type Change = { readonly name: string; readonly key: Key; readonly when?: Condition } & (
  | { readonly put: Item }
  | { readonly update: Update }
  | { readonly remove: true }
  | { readonly check: true }
);

export interface Update {
  readonly set?: Readonly<Item>;
  readonly add?: Readonly<Record<string, number>>;
  readonly drop?: readonly string[];
}

/**
 * One change an item, as a transaction takes them: several updates of an item become one, under the name of the first that has a
 * condition. They must set different attributes, and the values of their conditions must have different names.
 */
export const onePerItem = (changes: readonly Change[]): Change[] =>
  [...Map.groupBy(changes, ({ key }) => `${key.pk} ${key.sk}`).values()].map((same) => same.reduce(joined));

const joined = (a: Change, b: Change): Change => {
  if (!("update" in a && "update" in b)) throw new Error(`"${a.name}" and "${b.name}" change the same item.`);
  const when = allOf(a.when, b.when);
  const add = { ...a.update.add };
  for (const [name, value] of Object.entries(b.update.add ?? {})) add[name] = (add[name] ?? 0) + value;
  return {
    name: a.when === undefined ? b.name : a.name,
    key: a.key,
    update: {
      set: { ...a.update.set, ...b.update.set },
      add,
      drop: [...(a.update.drop ?? []), ...(b.update.drop ?? [])],
    },
    ...(when !== undefined && { when }),
  };
};

/** Conditions that did not hold; nothing was written. */
export class ConditionFailed extends Error {
  readonly names: ReadonlySet<string>;
  constructor(names: Iterable<string>) {
    const set = new Set(names);
    super(`Conditions did not hold: ${[...set].join(", ")}`);
    this.names = set;
  }
}

export interface StoreOptions {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** Uniform in [0, 1), for jitter. */
  readonly jitter: () => number;
  /** A fresh token of up to 36 characters. */
  readonly token: () => string;
  readonly sleep?: (ms: number) => Promise<void>;
}

const TRANSIENT = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
  "InternalServerError",
  "ServiceUnavailable",
  "TimeoutError",
]);

/** Whether the table, or the way to it, failed for now; the SDK has tried again by itself already. */
const isTransient = (error: unknown): boolean =>
  error instanceof Error &&
  (TRANSIENT.has(error.name) ||
    ("code" in error && typeof error.code === "string" && /^(ECONN|EPIPE|ETIMEDOUT)/.test(error.code)));

/** Bytes that a change writes: an update only adds to what the item has, which DynamoDB alone knows. */
const bytesOf = (change: Change): number => {
  if ("put" in change) return itemBytes({ ...change.put, ...change.key });
  return "update" in change ? itemBytes({ ...change.update.set, ...change.key }) : 0;
};

/** Whether DynamoDB refuses an item for its size: what an update would leave of one, DynamoDB alone knows. */
const isItemTooLarge = (message = ""): boolean => /^Item size/.test(message);

/** The same of all items of a transaction together. */
const isWriteTooLarge = (message: string): boolean => /aggregate size|collection size/i.test(message);

/** How often a transaction is sent while others hold its items. */
const MAX_TRIES = 10;
/** Enough for a few dozen contenders to take a turn each. */
const LONGEST_PAUSE_MS = 1500;
const BATCH = 25;
/** Items of a partition that are read to be deleted. */
const REMOVED_AT_ONCE = 500;

const attributeNames = (expression: string): Record<string, string> =>
  Object.fromEntries([...expression.matchAll(/#(\w+)/g)].map((match) => [match[0], match[1] ?? ""]));

const placeholders = (values: Condition["values"] = {}): Record<string, AttributeValue> =>
  marshall(Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])));

/** Leaves out an empty map, which DynamoDB refuses. */
const unlessEmpty = <K extends string, V>(key: K, map: Record<string, V>) =>
  Object.keys(map).length === 0 ? {} : ({ [key]: map } as Record<K, Record<string, V>>);

const updateExpression = ({ set = {}, add = {}, drop = [] }: Update) => {
  const names: Record<string, string> = {};
  const values: Record<string, string | number | boolean | Uint8Array> = {};
  const parts: string[] = [];
  const sets = Object.entries(set).map(([name, value]) => {
    names[`#${name}`] = name;
    values[`:set_${name}`] = value;
    return `#${name} = :set_${name}`;
  });
  const adds = Object.entries(add).map(([name, value]) => {
    names[`#${name}`] = name;
    values[`:add_${name}`] = value;
    return `#${name} :add_${name}`;
  });
  for (const name of drop) names[`#${name}`] = name;
  if (sets.length > 0) parts.push(`SET ${sets.join(", ")}`);
  if (adds.length > 0) parts.push(`ADD ${adds.join(", ")}`);
  if (drop.length > 0) parts.push(`REMOVE ${drop.map((name) => `#${name}`).join(", ")}`);
  return { expression: parts.join(" "), names, values: marshall(values) };
};

export class Store {
  readonly table: string;
  readonly #client: DynamoDBClient;
  readonly #jitter: () => number;
  readonly #token: () => string;
  readonly #sleep: (ms: number) => Promise<void>;

  constructor(options: StoreOptions) {
    this.table = options.table;
    this.#client = options.client;
    this.#jitter = options.jitter;
    this.#token = options.token;
    this.#sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  }

  /** @throws Unavailable when the table stays throttled or out of reach. */
  async #try<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isTransient(error)) throw Object.assign(new Unavailable(), { cause: error });
      throw error;
    }
  }

  /** Reads one item, strongly consistent. */
  async get(key: Key): Promise<Item | null> {
    const reply = await this.#try(() =>
      this.#client.send(
        new GetItemCommand({ TableName: this.table, Key: marshall(key), ConsistentRead: true }),
      ),
    );
    return reply.Item === undefined ? null : (unmarshall(reply.Item) as Item);
  }

  /**
   * All items of a partition between two sort keys (inclusive), strongly consistent, in order.
   * @param limit stops after about that many items.
   */
  async query(pk: string, from: string, to: string, limit = Number.POSITIVE_INFINITY): Promise<Item[]> {
    return (await this.queryPages(pk, from, to, limit)).items;
  }

  /** The same, with the number of pages that it took: each is read at its own moment. */
  async queryPages(
    pk: string,
    from: string,
    to: string,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly items: Item[]; readonly pages: number }> {
    const items: Item[] = [];
    let pages = 0;
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = new QueryCommand({
        TableName: this.table,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
        ExpressionAttributeValues: marshall({ ":pk": pk, ":from": from, ":to": to }),
        ...(start && { ExclusiveStartKey: start }),
        ...(Number.isFinite(limit) && { Limit: limit - items.length }),
      });
      const reply = await this.#try(() => this.#client.send(page));
      for (const item of reply.Items ?? []) items.push(unmarshall(item) as Item);
      start = reply.LastEvaluatedKey;
      pages++;
    } while (start !== undefined && items.length < limit);
    return { items, pages };
  }

  /** All items whose sort key begins with `prefix`, from after `after` on. */
  async list(pk: string, prefix: string, after = "", limit = Number.POSITIVE_INFINITY): Promise<Item[]> {
    const from = after === "" ? prefix : `${prefix}${after}\u0000`;
    return this.query(pk, from, `${prefix}\uffff`, limit);
  }

  /**
   * Changes one item alone, at half the price of a transaction. The SDK may repeat it after a lost reply, and the
   * repeat then fails its condition: only for changes whose caller reads the item again and recognises its own write.
   * @returns the whole item as it is then.
   * @throws ConditionFailed
   */
  async update(change: Change & { readonly update: Update }): Promise<Item> {
    refuseLargeItem(change.name, bytesOf(change));
    const { expression, names, values } = updateExpression(change.update);
    const command = new UpdateItemCommand({
      TableName: this.table,
      Key: marshall(change.key),
      UpdateExpression: expression,
      ReturnValues: "ALL_NEW",
      ...(change.when && { ConditionExpression: change.when.expression }),
      ...unlessEmpty("ExpressionAttributeNames", {
        ...names,
        ...attributeNames(change.when?.expression ?? ""),
      }),
      ...unlessEmpty("ExpressionAttributeValues", { ...values, ...placeholders(change.when?.values) }),
    });
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await this.#try(() => this.#client.send(command));
        return unmarshall(reply.Attributes ?? {}) as Item;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) throw new ConditionFailed([change.name]);
        if (error instanceof Error && isItemTooLarge(error.message)) throw itemTooLarge(change.name);
        if (!(error instanceof Error && error.name === "TransactionConflictException")) throw error;
        if (attempt >= MAX_TRIES) throw new Unavailable();
        await this.pause(attempt);
      }
    }
  }

  /**
   * All changes or none. After a conflict with another transaction it is retried with the same token.
   * @throws ConditionFailed when a condition does not hold; Unavailable when the items stay contended.
   */
  async transact(changes: readonly Change[]): Promise<void> {
    for (const change of changes) refuseLargeItem(change.name, bytesOf(change));
    refuseLargeTransaction(
      changes.length,
      changes.reduce((sum, change) => sum + bytesOf(change), 0),
    );
    const input = {
      TransactItems: changes.map((change) => this.#transactItem(change)),
      ClientRequestToken: this.#token(),
    };
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#try(() => this.#client.send(new TransactWriteItemsCommand(input)));
        return;
      } catch (error) {
        if (error instanceof TransactionCanceledException) {
          const reasons: readonly CancellationReason[] = error.CancellationReasons ?? [];
          const failed = changes.filter((_, i) => reasons[i]?.Code === "ConditionalCheckFailed");
          if (failed.length > 0) throw new ConditionFailed(failed.map((change) => change.name));
          const invalid = reasons.findIndex((reason) => reason.Code === "ValidationError");
          if (isItemTooLarge(reasons[invalid]?.Message)) throw itemTooLarge(changes[invalid]?.name ?? "item");
          if (invalid >= 0) throw error;
        } else if (!(error instanceof TransactionInProgressException)) {
          throw error instanceof Error && isWriteTooLarge(error.message) ? writeTooLarge() : error;
        }
        if (attempt >= MAX_TRIES) throw new Unavailable();
        await this.pause(attempt);
      }
    }
  }

  /** Deletes items without a condition; those that are gone already do no harm. */
  async removeAll(keys: readonly Key[]): Promise<void> {
    for (let i = 0; i < keys.length; i += BATCH) {
      let requests = keys.slice(i, i + BATCH).map((key) => ({ DeleteRequest: { Key: marshall(key) } }));
      for (let attempt = 1; requests.length > 0; attempt++) {
        const command = new BatchWriteItemCommand({ RequestItems: { [this.table]: requests } });
        const reply = await this.#try(() => this.#client.send(command));
        requests = (reply.UnprocessedItems?.[this.table] ?? []) as typeof requests;
        if (requests.length > 0 && attempt >= MAX_TRIES) throw new Unavailable();
        if (requests.length > 0) await this.pause(attempt);
      }
    }
  }

  /** Deletes every item of a partition, a few at a time however many there are. */
  async removePartition(pk: string): Promise<void> {
    for (;;) {
      const items = await this.query(pk, " ", "~", REMOVED_AT_ONCE);
      await this.removeAll(items.map(keyOf));
      if (items.length < REMOVED_AT_ONCE) return;
    }
  }

  /** Waits with full jitter, longer each time. */
  async pause(attempt: number): Promise<void> {
    await this.#sleep(this.#jitter() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** attempt));
  }

  #transactItem(change: Change): TransactWriteItem {
    const target = { TableName: this.table };
    const condition = change.when && { ConditionExpression: change.when.expression };
    const names = attributeNames(change.when?.expression ?? "");
    const values = placeholders(change.when?.values);
    const expressions = {
      ...unlessEmpty("ExpressionAttributeNames", names),
      ...unlessEmpty("ExpressionAttributeValues", values),
    };
    if ("put" in change) {
      return {
        Put: { ...target, Item: marshall({ ...change.put, ...change.key }), ...condition, ...expressions },
      };
    }
    const key = marshall(change.key);
    if ("remove" in change) return { Delete: { ...target, Key: key, ...condition, ...expressions } };
    if ("check" in change) {
      return {
        ConditionCheck: {
          ...target,
          Key: key,
          ConditionExpression: change.when?.expression ?? "attribute_exists(pk)",
          ...expressions,
        },
      };
    }
    const update = updateExpression(change.update);
    return {
      Update: {
        ...target,
        Key: key,
        UpdateExpression: update.expression,
        ...condition,
        ...unlessEmpty("ExpressionAttributeNames", { ...update.names, ...names }),
        ...unlessEmpty("ExpressionAttributeValues", { ...update.values, ...values }),
      },
    };
  }
}
