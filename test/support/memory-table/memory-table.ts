import { isDeepStrictEqual } from "node:util";
import { itemBytes } from "../item-size.ts";
import { type ConditionTree, holds } from "./condition.ts";
import { invalid, NotImplemented, TableError } from "./errors.ts";
import {
  MAX_ACTIONS,
  MAX_BATCH,
  MAX_BATCH_BYTES,
  MAX_ITEM_BYTES,
  MAX_PAGE_BYTES,
  MAX_TOKEN_CHARACTERS,
  MAX_TRANSACTION_BYTES,
  TOKEN_MS,
} from "./limits.ts";
import { type Key, Partitions } from "./partitions.ts";
import { Placeholders } from "./placeholders.ts";
import {
  type BatchInput,
  type ConditionInput,
  expectDistinctKeys,
  expectFields,
  type GetInput,
  KEYS,
  type KeyInput,
  keyOf,
  type PutInput,
  type QueryInput,
  readCondition,
  readItem,
  readKey,
  readRange,
  readStart,
  type TableInput,
  type TransactInput,
  type UpdateInput,
} from "./requests.ts";
import { Meter } from "./units.ts";
import { type Action, applyUpdate, parseUpdate } from "./update.ts";
import { type Attributes, readAttributes } from "./value.ts";

/** A write that was read and checked, before it meets the item. */
interface Write {
  readonly key: Key;
  readonly condition: ConditionTree | null;
  /** The item after the write; null when it is gone. @throws TableError for what only the item shows to be wrong. */
  readonly after: (before: Attributes | null) => Attributes | null;
}

interface Remembered {
  readonly input: TransactInput["TransactItems"];
  readonly keys: readonly Key[];
  readonly until: number;
}

const CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons";

/**
 * A table with string keys `pk` and `sk` in this process. It takes the requests that Hone sends to DynamoDB, as they
 * travel, and keeps DynamoDB's limits; every operation is atomic.
 */
export class MemoryTable {
  readonly name: string;
  readonly units = new Meter();
  readonly #now: () => number;
  readonly #items = new Partitions();
  readonly #tokens = new Map<string, Remembered>();

  /** @param now milliseconds since 1970, for the age of tokens. */
  constructor(name: string, now: () => number = Date.now) {
    this.name = name;
    this.#now = now;
  }

  /** Every item there is, which DynamoDB's client would need a scan for: so that a test sees what is left behind. */
  items(): Attributes[] {
    return [...this.#items.all()];
  }

  /** Leaves these items, however they came to be, and no others. */
  restore(items: readonly Attributes[]): void {
    for (const key of this.#items.keys()) this.#items.put(key, null);
    for (const item of items) this.#items.put(keyOf(item), item);
  }

  /**
   * @param operation such as "GetItem".
   * @param input the body of the request.
   * @returns the body of the response.
   * @throws TableError for what DynamoDB refuses; NotImplemented for what Hone does not send.
   */
  execute(operation: string, input: unknown): object {
    expectFields(operation, input as object);
    switch (operation) {
      case "GetItem":
        return this.#get(input as GetInput);
      case "Query":
        return this.#query(input as QueryInput);
      case "PutItem":
        return this.#writeOne(this.#readPut(input as PutInput));
      case "UpdateItem":
        return this.#update(input as UpdateInput);
      case "DeleteItem":
        return this.#writeOne(this.#readDelete(input as KeyInput & ConditionInput));
      case "TransactWriteItems":
        return this.#transact(input as TransactInput);
      case "BatchWriteItem":
        return this.#batch(input as BatchInput);
      default:
        throw new NotImplemented(operation);
    }
  }

  /** The key of every item in the table, as a scan would find them. */
  keys(): Key[] {
    return this.#items.keys();
  }

  #get(input: GetInput): object {
    this.#expectTable(input);
    const item = this.#items.get(readKey(input.Key));
    this.units.read(sizeOf(item), input.ConsistentRead === true);
    return item === null ? {} : { Item: item };
  }

  #query(input: QueryInput): object {
    this.#expectTable(input);
    const range = readRange(input);
    const { Limit: limit = Number.POSITIVE_INFINITY, ExclusiveStartKey: start } = input;
    if (limit < 1) {
      throw invalid(
        `1 validation error detected: Value '${limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
      );
    }
    const after = start === undefined ? null : readStart(start, range);
    const items: Attributes[] = [];
    let bytes = 0;
    let isCut = false;
    for (const item of this.#items.between(range.pk, after ?? range.from, range.to)) {
      if (after !== null && keyOf(item).sk === after) continue;
      // A page ends before the item that would take it past 1 MB, and without a look beyond its limit.
      if (bytes + sizeOf(item) > MAX_PAGE_BYTES) isCut = true;
      else {
        items.push(item);
        bytes += sizeOf(item);
        isCut = items.length >= limit;
      }
      if (isCut) break;
    }
    this.units.read(bytes, input.ConsistentRead === true);
    const last = items.at(-1);
    return {
      Items: items,
      Count: items.length,
      ScannedCount: items.length,
      ...(isCut && last !== undefined && { LastEvaluatedKey: { pk: last.pk, sk: last.sk } }),
    };
  }

  #update(input: UpdateInput): object {
    const { ReturnValues: wanted = "NONE" } = input;
    if (wanted !== "NONE" && wanted !== "ALL_NEW") throw new NotImplemented(`ReturnValues ${wanted}`);
    const write = this.#readUpdate(input, false);
    this.#writeOne(write);
    return wanted === "NONE" ? {} : { Attributes: this.#items.get(write.key) };
  }

  #writeOne(write: Write): object {
    const before = this.#items.get(write.key);
    if (write.condition !== null && !holds(write.condition, before)) {
      this.units.write(sizeOf(before), false);
      throw new TableError("ConditionalCheckFailedException", "The conditional request failed");
    }
    const after = write.after(before);
    this.units.write(Math.max(sizeOf(before), sizeOf(after)), false);
    this.#items.put(write.key, after);
    return {};
  }

  #transact({ TransactItems: actions, ClientRequestToken: token }: TransactInput): object {
    if (actions.length < 1 || actions.length > MAX_ACTIONS) {
      throw invalid(
        `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and ${MAX_ACTIONS}`,
      );
    }
    if (token !== undefined && (token === "" || token.length > MAX_TOKEN_CHARACTERS)) {
      throw invalid(
        `1 validation error detected: Value '${token}' at 'clientRequestToken' failed to satisfy constraint: Member must have length between 1 and ${MAX_TOKEN_CHARACTERS}`,
      );
    }
    const writes = actions.map((action) => this.#readAction(action));
    if (token !== undefined && this.#isRepeated(token, actions)) return {};
    const keys = writes.map(({ key }) => key);
    expectDistinctKeys(keys, "Transaction request cannot include multiple operations on one item");

    const results = writes.map((write) => this.#tryWrite(write));
    for (const { bytes } of results) this.units.write(bytes, true);
    if (results.some(({ reason }) => reason !== null)) {
      const reasons = results.map(({ reason }) => reason ?? { Code: "None" });
      const codes = reasons.map(({ Code }) => Code).join(", ");
      throw new TableError("TransactionCanceledException", `${CANCELLED} [${codes}]`, {
        CancellationReasons: reasons,
      });
    }
    if (results.reduce((sum, { size }) => sum + size, 0) > MAX_TRANSACTION_BYTES) {
      throw invalid("The aggregate size of the items in the transaction exceeds 4 MB");
    }
    results.forEach(({ after }, i) => {
      const key = keys[i];
      if (key !== undefined) this.#items.put(key, after);
    });
    if (token !== undefined) this.#tokens.set(token, { input: actions, keys, until: this.#now() + TOKEN_MS });
    return {};
  }

  /** Whether the token is of the same transaction, carried out before. */
  #isRepeated(token: string, actions: TransactInput["TransactItems"]): boolean {
    const known = this.#tokens.get(token);
    if (known === undefined || known.until <= this.#now()) return false;
    if (!isDeepStrictEqual(known.input, actions)) {
      throw new TableError(
        "IdempotentParameterMismatchException",
        "Request token already in use for another request with a different payload",
      );
    }
    // The repeat is charged as a read of the items in a transaction.
    for (const key of known.keys) this.units.readInTransaction(sizeOf(this.#items.get(key)));
    return true;
  }

  /** What a write of a transaction would come to; nothing is changed. A failed condition comes before other errors. */
  #tryWrite(write: Write) {
    const before = this.#items.get(write.key);
    const failed = (Code: string, Message: string) => ({
      after: before,
      size: 0,
      bytes: sizeOf(before),
      reason: { Code, Message },
    });
    if (write.condition !== null && !holds(write.condition, before)) {
      return failed("ConditionalCheckFailed", "The conditional request failed");
    }
    try {
      const after = write.after(before);
      const bytes = Math.max(sizeOf(before), sizeOf(after));
      return { after, size: sizeOf(after ?? before), bytes, reason: null };
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      return failed("ValidationError", error.message);
    }
  }

  #batch({ RequestItems }: BatchInput): object {
    const requests = Object.entries(RequestItems).flatMap(([TableName, each]) => {
      this.#expectTable({ TableName });
      return each;
    });
    if (requests.length < 1 || requests.length > MAX_BATCH) {
      throw invalid(
        `1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have length between 1 and ${MAX_BATCH}`,
      );
    }
    const writes = requests.map(({ PutRequest, DeleteRequest }) => {
      if ((PutRequest === undefined) === (DeleteRequest === undefined)) {
        throw invalid("A request of a batch write must have either a PutRequest or a DeleteRequest");
      }
      return PutRequest === undefined
        ? { key: readKey(DeleteRequest?.Key ?? {}), item: null }
        : readItem(PutRequest.Item);
    });
    expectDistinctKeys(
      writes.map(({ key }) => key),
      "Provided list of item keys contains duplicates",
    );
    if (writes.reduce((sum, { item }) => sum + sizeOf(item), 0) > MAX_BATCH_BYTES) {
      throw invalid("The size of the batch write exceeds 16 MB");
    }
    for (const { key, item } of writes) {
      this.units.write(Math.max(sizeOf(this.#items.get(key)), sizeOf(item)), false);
      this.#items.put(key, item);
    }
    return { UnprocessedItems: {} };
  }

  #readAction(action: TransactInput["TransactItems"][number]): Write {
    const [entry, ...others] = Object.entries(action);
    if (entry === undefined || others.length > 0) {
      throw invalid(
        "TransactItems can only contain one of Check, Put, Update or Delete per entry of the transaction",
      );
    }
    const [kind, input] = entry;
    expectFields(kind, input);
    if (kind === "Put") return this.#readPut(input as PutInput);
    if (kind === "Update") return this.#readUpdate(input as UpdateInput, true);
    if (kind === "Delete") return this.#readDelete(input as KeyInput & ConditionInput);
    if (input.ConditionExpression === undefined) {
      throw invalid("The ConditionExpression of a ConditionCheck must not be null");
    }
    return { ...this.#readDelete(input as KeyInput & ConditionInput), after: (before) => before };
  }

  #readPut(input: PutInput): Write {
    this.#expectTable(input);
    const { key, item } = readItem(input.Item);
    return { key, condition: readCondition(input), after: () => item };
  }

  #readDelete(input: KeyInput & ConditionInput): Write {
    this.#expectTable(input);
    return { key: readKey(input.Key), condition: readCondition(input), after: () => null };
  }

  /** @param needsExpression in a transaction an update must say what it changes. */
  #readUpdate(input: UpdateInput, needsExpression: boolean): Write {
    this.#expectTable(input);
    const key = readKey(input.Key);
    if (needsExpression && input.UpdateExpression === undefined) {
      throw invalid("The UpdateExpression of an Update must not be null");
    }
    const placeholders = new Placeholders(input, KEYS);
    const actions: readonly Action[] =
      input.UpdateExpression === undefined ? [] : parseUpdate(input.UpdateExpression, placeholders, KEYS);
    const condition = readCondition(input, placeholders);
    const after = (before: Attributes | null) => {
      const item = applyUpdate(actions, before ?? readAttributes(input.Key));
      if (sizeOf(item) > MAX_ITEM_BYTES) {
        throw invalid("Item size to update has exceeded the maximum allowed size");
      }
      return item;
    };
    return { key, condition, after };
  }

  #expectTable({ TableName }: TableInput): void {
    if (TableName !== this.name) {
      throw new TableError("ResourceNotFoundException", "Requested resource not found");
    }
  }
}

/** Items are replaced, never changed, and each is read many times. */
const sizes = new WeakMap<Attributes, number>();

const sizeOf = (item: Attributes | null): number => {
  if (item === null) return 0;
  const known = sizes.get(item);
  if (known !== undefined) return known;
  const size = itemBytes(item);
  sizes.set(item, size);
  return size;
};
