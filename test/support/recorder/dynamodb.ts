import { itemBytes, type WireItem } from "../item-size.ts";
import { type Need, type Size, size } from "./note.ts";

/** The parts of DynamoDB's requests and answers that are looked at. */
interface Write {
  readonly Key?: WireItem;
  readonly Item?: WireItem;
  readonly ExpressionAttributeValues?: WireItem;
}
export interface DynamoInput extends Write {
  readonly TableName?: string;
  readonly IndexName?: string;
  readonly TransactItems?: readonly Readonly<Record<string, Write & { readonly TableName: string }>>[];
  readonly RequestItems?: Readonly<
    Record<string, readonly { readonly PutRequest?: Write; readonly DeleteRequest?: Write }[]>
  >;
}
export interface DynamoOutput {
  readonly Item?: WireItem;
  readonly Items?: readonly WireItem[];
}

/** A transaction is allowed by the actions that it is made of. */
const actionsOfTransaction: Readonly<Record<string, string>> = {
  Put: "dynamodb:PutItem",
  Update: "dynamodb:UpdateItem",
  Delete: "dynamodb:DeleteItem",
  ConditionCheck: "dynamodb:ConditionCheckItem",
};

/** @param arn of a table, by its name. */
export const needsOfTable = (
  operation: string,
  input: DynamoInput,
  arn: (table: string) => string,
): Need[] | null => {
  switch (operation) {
    case "GetItem":
    case "PutItem":
    case "UpdateItem":
    case "DeleteItem":
      return [{ action: `dynamodb:${operation}`, resource: arn(input.TableName ?? "") }];
    case "Query": {
      const table = arn(input.TableName ?? "");
      const resource = input.IndexName === undefined ? table : `${table}/index/${input.IndexName}`;
      return [{ action: "dynamodb:Query", resource }];
    }
    case "BatchWriteItem":
      return Object.keys(input.RequestItems ?? {}).map((table) => ({
        action: "dynamodb:BatchWriteItem",
        resource: arn(table),
      }));
    case "TransactWriteItems":
      return (input.TransactItems ?? []).flatMap((item) =>
        Object.entries(item).map(([kind, { TableName }]) => ({
          action: actionsOfTransaction[kind] ?? `dynamodb:${kind}`,
          resource: arn(TableName),
        })),
      );
    default:
      return null;
  }
};

/** Of every item that is put or read: what an update makes of one is known when it is read again. */
export const sizesOfItems = (operation: string, input: DynamoInput, output: DynamoOutput): Size[] => {
  const changes = (input.TransactItems ?? []).flatMap((item) => Object.values(item));
  const batches = Object.values(input.RequestItems ?? {}).flat();
  const puts = [input, ...changes, ...batches.map(({ PutRequest }) => PutRequest ?? {})];
  const items = [
    ...puts.flatMap(({ Item }) => (Item === undefined ? [] : [Item])),
    ...(output.Item === undefined ? [] : [output.Item]),
    ...(output.Items ?? []),
  ].map((item) => size("DynamoDB item", itemBytes(item)));
  if (operation === "BatchWriteItem") return [...items, size("DynamoDB batch write", batches.length)];
  if (operation !== "TransactWriteItems") return items;
  const written = changes.reduce(
    (sum, { Item, Key, ExpressionAttributeValues }) =>
      sum + itemBytes({ ...Item, ...Key, ...ExpressionAttributeValues }),
    0,
  );
  return [...items, size("DynamoDB transaction", changes.length), size("DynamoDB transaction size", written)];
};
