import { itemBytes } from "../item-size.ts";
import { type ConditionTree, parseCondition } from "./condition.ts";
import { invalid, NotImplemented } from "./errors.ts";
import { MAX_ITEM_BYTES, MAX_PARTITION_KEY_BYTES, MAX_SORT_KEY_BYTES } from "./limits.ts";
import type { Key } from "./partitions.ts";
import { type ExpressionInput, Placeholders } from "./placeholders.ts";
import { type Attributes, bytesOf, compareText, readAttributes, type Value } from "./value.ts";

/** Requests as they travel, with the fields that Hone sends; any other field is refused, so that none is overlooked. */
export interface TableInput {
  readonly TableName: string;
}
export interface ConditionInput extends ExpressionInput {
  readonly ConditionExpression?: string;
}
export interface KeyInput extends TableInput {
  readonly Key: Attributes;
}
export interface GetInput extends KeyInput {
  readonly ConsistentRead?: boolean;
}
export interface PutInput extends TableInput, ConditionInput {
  readonly Item: Attributes;
}
export interface QueryInput extends TableInput, ExpressionInput {
  readonly KeyConditionExpression: string;
  readonly ConsistentRead?: boolean;
  readonly Limit?: number;
  readonly ExclusiveStartKey?: Attributes;
}
export interface UpdateInput extends KeyInput, ConditionInput {
  readonly UpdateExpression?: string;
  readonly ReturnValues?: string;
}
export interface TransactInput {
  readonly TransactItems: readonly Readonly<Record<string, ConditionInput & TableInput>>[];
  readonly ClientRequestToken?: string;
}
export interface BatchInput {
  readonly RequestItems: Readonly<Record<string, readonly BatchRequest[]>>;
}
interface BatchRequest {
  readonly PutRequest?: { readonly Item: Attributes };
  readonly DeleteRequest?: { readonly Key: Attributes };
}

const CONDITION_FIELDS = ["ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"];

/** The fields of each request that this table knows. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  GetItem: ["TableName", "Key", "ConsistentRead"],
  PutItem: ["TableName", "Item", ...CONDITION_FIELDS],
  UpdateItem: ["TableName", "Key", "UpdateExpression", "ReturnValues", ...CONDITION_FIELDS],
  DeleteItem: ["TableName", "Key", ...CONDITION_FIELDS],
  Query: [
    "TableName",
    "KeyConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ConsistentRead",
    "Limit",
    "ExclusiveStartKey",
  ],
  TransactWriteItems: ["TransactItems", "ClientRequestToken"],
  BatchWriteItem: ["RequestItems"],
  Put: ["TableName", "Item", ...CONDITION_FIELDS],
  Update: ["TableName", "Key", "UpdateExpression", ...CONDITION_FIELDS],
  Delete: ["TableName", "Key", ...CONDITION_FIELDS],
  ConditionCheck: ["TableName", "Key", ...CONDITION_FIELDS],
};

export const expectFields = (kind: string, input: object): void => {
  const known = FIELDS[kind];
  if (known === undefined) throw new NotImplemented(kind);
  for (const field of Object.keys(input)) {
    if (!known.includes(field)) throw new NotImplemented(`${field} of ${kind}`);
  }
};

export const KEYS = ["pk", "sk"] as const;

export const readCondition = (
  input: ConditionInput,
  placeholders = new Placeholders(input, KEYS),
): ConditionTree | null => {
  const { ConditionExpression: text } = input;
  const tree = text === undefined ? null : parseCondition("ConditionExpression", text, placeholders);
  placeholders.expectAllUsed();
  return tree;
};

/** The key of an item, of its right form or not. */
export const keyOf = (item: Attributes): Key => {
  const [pk, sk] = KEYS.map((name) => {
    const value = item[name];
    if (value === undefined) {
      throw invalid(`One or more parameter values were invalid: Missing the key ${name} in the item`);
    }
    if (!("S" in value)) {
      throw invalid(
        `One or more parameter values were invalid: Type mismatch for key ${name} expected: S actual: ${Object.keys(value)}`,
      );
    }
    return value.S;
  });
  return { pk: pk ?? "", sk: sk ?? "" };
};

const checkKey = (key: Key): Key => {
  for (const name of KEYS) {
    if (key[name] === "") {
      throw invalid(
        `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${name}`,
      );
    }
  }
  if (bytesOf(key.pk) > MAX_PARTITION_KEY_BYTES) {
    throw invalid(
      `One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of ${MAX_PARTITION_KEY_BYTES} bytes`,
    );
  }
  if (bytesOf(key.sk) > MAX_SORT_KEY_BYTES) {
    throw invalid(
      `One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of ${MAX_SORT_KEY_BYTES} bytes`,
    );
  }
  return key;
};

export const readKey = (attributes: Attributes): Key => {
  if (
    Object.keys(attributes).sort().join() !== KEYS.join() ||
    KEYS.some((name) => !("S" in (attributes[name] ?? {})))
  ) {
    throw invalid("The provided key element does not match the schema");
  }
  return checkKey(keyOf(attributes));
};

export const readItem = (attributes: Attributes) => {
  const item = readAttributes(attributes);
  const key = checkKey(keyOf(item));
  if (itemBytes(item) > MAX_ITEM_BYTES) throw invalid("Item size has exceeded the maximum allowed size");
  return { key, item };
};

export const expectDistinctKeys = (keys: readonly Key[], message: string): void => {
  const texts = new Set(keys.map(({ pk, sk }) => JSON.stringify([pk, sk])));
  if (texts.size < keys.length) throw invalid(message);
};

export interface Range {
  readonly pk: string;
  readonly from: string;
  readonly to: string;
}

/** The sort key after which a Query goes on. */
export const readStart = (start: Attributes, range: Range): string => {
  const { pk, sk } = readKey(start);
  if (pk !== range.pk || compareText(sk, range.from) < 0 || compareText(sk, range.to) > 0) {
    throw invalid("The provided starting key is outside query boundaries based on provided conditions");
  }
  return sk;
};

/** What a KeyConditionExpression selects; of the forms that there are, Hone uses one. */
export const readRange = (input: QueryInput): Range => {
  const placeholders = new Placeholders(input, KEYS);
  const tree = parseCondition("KeyConditionExpression", input.KeyConditionExpression, placeholders);
  placeholders.expectAllUsed();
  const text = (operand: { readonly path: string } | { readonly value: Value }): string => {
    const value = "value" in operand ? operand.value : null;
    if (value === null || !("S" in value)) throw new NotImplemented("key conditions on other than strings");
    return value.S;
  };
  if (tree.kind !== "and") throw new NotImplemented(`the key condition ${input.KeyConditionExpression}`);
  const [partition, sort] = tree.parts;
  const isPartition =
    partition.kind === "compare" &&
    partition.by === "=" &&
    "path" in partition.left &&
    partition.left.path === "pk";
  const isSort = sort.kind === "between" && "path" in sort.operand && sort.operand.path === "sk";
  if (!isPartition || !isSort) throw new NotImplemented(`the key condition ${input.KeyConditionExpression}`);
  const range = { pk: text(partition.right), from: text(sort.low), to: text(sort.high) };
  checkKey({ pk: range.pk, sk: range.from });
  checkKey({ pk: range.pk, sk: range.to });
  return range;
};
