import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { itemBytes } from "../../test/support/item-size.ts";

/**
 * Computes capacity units as DynamoDB bills them, from the sizes of the items, because the emulators report wrong figures for
 * reads. A strongly consistent read costs one unit per 4 KB of all items of a Query; a write costs one unit per KB of the
 * resulting item, and two in a transaction.
 */
export interface Meter {
  reads: number;
  writes: number;
  /** Writes of segments: the size of the data itself. */
  segmentWrites: number;
  /** Writes that were refused by a condition or by another transaction. They are billed like the others. */
  lost: number;
  stop(): void;
}

type AttributeMap = Record<string, AttributeValue>;

const readUnits = (items: readonly AttributeMap[]) =>
  Math.max(1, Math.ceil(items.reduce((sum, item) => sum + itemBytes(item), 0) / 4096));

const writeUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / 1024));

const keyOf = (key: AttributeMap) => `${key.pk?.S}|${key.sk?.S}`;

interface WriteInput {
  readonly Key?: AttributeMap;
  readonly Item?: AttributeMap;
  readonly ExpressionAttributeValues?: AttributeMap;
}

/** Whether a write changed nothing because another one was first. */
const isLost = (error: unknown): boolean =>
  error instanceof Error &&
  /^(ConditionalCheckFailed|TransactionCanceled|TransactionConflict)/.test(error.name);

/**
 * Starts counting every call of the client.
 * @param sizes last known size of each item, because an update is billed for the whole item; clients of a table may share it.
 */
export const meter = (client: DynamoDBClient, sizes = new Map<string, number>()): Meter => {
  const remember = (items: readonly AttributeMap[]) => {
    for (const item of items) sizes.set(keyOf(item), itemBytes(item));
  };
  const counts: Meter = {
    reads: 0,
    writes: 0,
    segmentWrites: 0,
    lost: 0,
    stop: () => client.middlewareStack.remove("hone-meter"),
  };
  const bytesOf = ({ Key, Item, ExpressionAttributeValues }: WriteInput): number => {
    if (Item !== undefined) {
      remember([Item]);
      return itemBytes(Item);
    }
    const key = keyOf(Key ?? {});
    // An update adds at most its own values to the item.
    const bytes = Math.max(sizes.get(key) ?? 0, itemBytes({ ...Key, ...ExpressionAttributeValues }));
    return bytes;
  };
  const count = (command: string | undefined, sent: object, received: object): void => {
    const input = sent as Record<string, unknown>;
    const output = received as Record<string, unknown>;
    switch (command) {
      case "GetItemCommand": {
        const items = output.Item === undefined ? [] : [output.Item as AttributeMap];
        remember(items);
        counts.reads += readUnits(items);
        break;
      }
      case "QueryCommand": {
        const items = (output.Items ?? []) as AttributeMap[];
        remember(items);
        counts.reads += readUnits(items);
        break;
      }
      case "UpdateItemCommand":
        counts.writes += writeUnits(bytesOf(input));
        break;
      case "BatchWriteItemCommand": {
        const tables = input.RequestItems as Record<string, { DeleteRequest?: WriteInput }[]>;
        for (const requests of Object.values(tables)) {
          for (const { DeleteRequest } of requests) counts.writes += writeUnits(bytesOf(DeleteRequest ?? {}));
        }
        break;
      }
      case "TransactWriteItemsCommand": {
        for (const action of input.TransactItems as Record<string, WriteInput>[]) {
          for (const write of Object.values(action)) {
            const units = 2 * writeUnits(bytesOf(write));
            const isSegment = (write.Item?.sk?.S ?? "").startsWith("S#SEG");
            counts.writes += units;
            if (isSegment) counts.segmentWrites += units;
          }
        }
        break;
      }
      default:
        break;
    }
  };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      try {
        const result = await next(args);
        count(context.commandName, args.input, result.output);
        return result;
      } catch (error) {
        if (isLost(error)) {
          counts.lost++;
          count(context.commandName, args.input, {});
        }
        throw error;
      }
    },
    { step: "initialize", name: "hone-meter", override: true },
  );
  return counts;
};
