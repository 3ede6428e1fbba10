import {
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  ResourceNotFoundException,
  ScanCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { describe, expect, test } from "vitest";
import { createTestTable } from "../../support/emulator.ts";
import { createMemoryTable, handlerFor } from "../../support/memory-table/client.ts";
import { MemoryTable } from "../../support/memory-table/memory-table.ts";
import { clientFor, type TestTable } from "../../support/table.ts";

/** The in-process table below the store: what DynamoDB says on the wire, and refuses. */

const Key = { pk: { S: "P" }, sk: { S: "a" } };

const updateOf = ({ client, tableName }: TestTable, change: Partial<UpdateItemCommandInput>) =>
  client.send(new UpdateItemCommand({ TableName: tableName, Key, ...change }));

const putNumber = ({ client, tableName }: TestTable, n: string) =>
  client.send(new PutItemCommand({ TableName: tableName, Item: { ...Key, n: { N: n } } }));

const readNumber = async ({ client, tableName }: TestTable) =>
  (await client.send(new GetItemCommand({ TableName: tableName, Key }))).Item?.n?.N;

const queryOf = ({ client, tableName }: TestTable, change: Partial<QueryCommandInput> = {}) =>
  client.send(
    new QueryCommand({
      TableName: tableName,
      KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
      ExpressionAttributeValues: { ":pk": { S: "P" }, ":from": { S: " " }, ":to": { S: "~" } },
      ...change,
    }),
  );

const MANY_NINES = "9".repeat(38);

describe.each([
  ["the in-process table", async () => createMemoryTable()],
  ["the emulator", () => createTestTable()],
] as const)("%s", (_, create) => {
  test.each([
    ["0", "0"],
    ["-0.0", "0"],
    ["007", "7"],
    ["1.50", "1.5"],
    ["-12e3", "-12000"],
    ["1e-3", "0.001"],
    ["9007199254740993", "9007199254740993"],
    [MANY_NINES, MANY_NINES],
    [`0.${MANY_NINES}`, `0.${MANY_NINES}`],
    ["9.9e125", `99${"0".repeat(124)}`],
    ["1e-130", `0.${"0".repeat(129)}1`],
  ])("the number %s reads back as %s", async (written, read) => {
    const table = await create();
    await putNumber(table, written);
    expect(await readNumber(table)).toBe(read);
  });

  test.each(["", "x", "NaN", "Infinity", "1e126", "-1e126", "1e-131", `1${MANY_NINES}`, `1.${MANY_NINES}`])(
    "the number '%s' is refused",
    async (number) => {
      const table = await create();
      await expect(putNumber(table, number)).rejects.toMatchObject({ name: "ValidationException" });
    },
  );

  test.each([
    ["0.1", "0.2", "0.3"],
    ["9007199254740992", "1", "9007199254740993"],
    ["5", "-5", "0"],
  ])("%s and %s add up to %s", async (a, b, sum) => {
    const table = await create();
    await putNumber(table, a);
    await updateOf(table, { UpdateExpression: "ADD #n :n", ...named("n", b) });
    expect(await readNumber(table)).toBe(sum);
  });

  test("a query that stops at its limit says where, even when nothing is left", async () => {
    const table = await create();
    for (const sk of ["a", "b"]) await updateOf(table, { Key: { ...Key, sk: { S: sk } } });
    expect((await queryOf(table)).LastEvaluatedKey).toBeUndefined();
    const full = await queryOf(table, { Limit: 2 });
    expect(full).toMatchObject({ Count: 2, LastEvaluatedKey: { ...Key, sk: { S: "b" } } });
    const rest = await queryOf(table, { ExclusiveStartKey: full.LastEvaluatedKey });
    expect(rest).toMatchObject({ Items: [], Count: 0 });
    expect(rest.LastEvaluatedKey).toBeUndefined();
  });

  test("a condition that fails is the SDK's own error, and so is a table that does not exist", async () => {
    const table = await create();
    const guarded = updateOf(table, { ConditionExpression: "attribute_exists(pk)" });
    await expect(guarded).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    const elsewhere = updateOf({ ...table, tableName: "elsewhere" }, {});
    await expect(elsewhere).rejects.toBeInstanceOf(ResourceNotFoundException);
  });

  test("a cancelled transaction has a reason for each action, in order", async () => {
    const { client, tableName: TableName } = await create();
    await client.send(new PutItemCommand({ TableName, Item: { ...Key, s: { S: "text" } } }));
    const target = (sk: string) => ({ TableName, Key: { ...Key, sk: { S: sk } } });
    const TransactItems = [
      { Delete: target("gone") },
      { ConditionCheck: { ...target("b"), ConditionExpression: "attribute_exists(pk)" } },
      { Put: { TableName, Item: { ...Key, sk: { S: "c" } } } },
      { Update: { ...target("a"), UpdateExpression: "ADD #s :s", ...named("s", "1") } },
    ];
    const reasons = async (items: typeof TransactItems) =>
      client.send(new TransactWriteItemsCommand({ TransactItems: items })).then(
        () => [],
        (error) => error.CancellationReasons.map(({ Code }: { Code: string }) => Code),
      );
    expect(await reasons(TransactItems.slice(0, 3))).toEqual(["None", "ConditionalCheckFailed", "None"]);
    expect(await reasons([TransactItems[2]!, TransactItems[3]!])).toEqual(["None", "ValidationError"]);
  });
});

/** A placeholder for a name and one for a number. */
const named = (name: string, number: string) => ({
  ExpressionAttributeNames: { [`#${name}`]: name },
  ExpressionAttributeValues: { [`:${name}`]: { N: number } },
});

interface Refusal {
  readonly request: string;
  readonly send: (table: TestTable) => Promise<unknown>;
}

const update = (request: string, change: Partial<UpdateItemCommandInput>): Refusal => ({
  request,
  send: (table) => updateOf(table, change),
});

const transaction = (
  request: string,
  items: (TableName: string) => NonNullable<ConstructorParameters<typeof TransactWriteItemsCommand>[0]>,
): Refusal => ({
  request,
  send: ({ client, tableName }) => client.send(new TransactWriteItemsCommand(items(tableName))),
});

const deletions = (count: number, sk: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => ({ DeleteRequest: { Key: { ...Key, sk: { S: sk(i) } } } }));

const batch = (request: string, requests: ReturnType<typeof deletions>): Refusal => ({
  request,
  send: ({ client, tableName }) =>
    client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } })),
});

const exists = { ConditionExpression: "attribute_exists(pk)" };
const n = named("n", "1");

const refusals: readonly Refusal[] = [
  update("an empty map of names", { ...exists, ExpressionAttributeNames: {} }),
  update("an empty map of values", { ...exists, ExpressionAttributeValues: {} }),
  update("a name that is not used", { ...exists, ExpressionAttributeNames: { "#n": "n" } }),
  update("a value that is not used", { ...exists, ExpressionAttributeValues: { ":n": { N: "1" } } }),
  update("a name whose only use is the beginning of another", {
    ConditionExpression: "attribute_exists(#nn)",
    ExpressionAttributeNames: { "#n": "n", "#nn": "nn" },
  }),
  update("a name that is not defined", { ConditionExpression: "attribute_exists(#n)" }),
  update("a value that is not defined", { ConditionExpression: "pk = :n" }),
  update("an empty condition", { ConditionExpression: " " }),
  update("an empty update", { UpdateExpression: "" }),
  update("an expression above 4 KB", { ConditionExpression: `attribute_exists(pk)${" ".repeat(4096)}` }),
  update("a condition without an operator", {
    ConditionExpression: "#n",
    ExpressionAttributeNames: { "#n": "n" },
  }),
  update("a condition that goes on after its end", { ConditionExpression: "attribute_exists(pk) pk" }),
  update("a condition with an open parenthesis", { ConditionExpression: "(attribute_exists(pk)" }),
  update("doubled parentheses", { ConditionExpression: "((attribute_exists(pk)))" }),
  update("a function that does not exist", { ConditionExpression: "exists(pk)" }),
  update("the existence of a value", {
    ConditionExpression: "attribute_exists(:n)",
    ExpressionAttributeValues: { ":n": { N: "1" } },
  }),
  update("a number as a prefix", {
    ConditionExpression: "begins_with(pk, :n)",
    ExpressionAttributeValues: { ":n": { N: "1" } },
  }),
  update("a comparison of an attribute with itself", { ConditionExpression: "pk = pk" }),
  update("a range whose end is before its beginning", {
    ConditionExpression: "#n BETWEEN :b AND :a",
    ExpressionAttributeNames: { "#n": "n" },
    ExpressionAttributeValues: { ":a": { N: "9" }, ":b": { N: "10" } },
  }),
  update("a range from a number to a string", {
    ConditionExpression: "#n BETWEEN :a AND :b",
    ExpressionAttributeNames: { "#n": "n" },
    ExpressionAttributeValues: { ":a": { N: "9" }, ":b": { S: "10" } },
  }),
  update("a clause twice", { UpdateExpression: "ADD #n :n ADD #n :n", ...n }),
  update("an attribute twice in a clause", { UpdateExpression: "SET #n = :n, #n = :n", ...n }),
  update("an update without a clause", { UpdateExpression: "#n = :n", ...n }),
  update("a string to add", {
    UpdateExpression: "ADD #n :n",
    ExpressionAttributeNames: { "#n": "n" },
    ExpressionAttributeValues: { ":n": { S: "1" } },
  }),
  update("a key that is not the table's", { Key: { pk: { S: "P" } } }),
  update("a key with an attribute more", { Key: { ...Key, n: { N: "1" } } }),
  update("a key that is a number", { Key: { ...Key, sk: { N: "1" } } }),
  {
    request: "an item without its key",
    send: ({ client, tableName }) =>
      client.send(new PutItemCommand({ TableName: tableName, Item: { pk: { S: "P" } } })),
  },
  transaction("a check without a condition", (TableName) => ({
    TransactItems: [{ ConditionCheck: { TableName, Key, ConditionExpression: undefined } }],
  })),
  transaction("an update in a transaction without an expression", (TableName) => ({
    TransactItems: [{ Update: { TableName, Key, UpdateExpression: undefined } }],
  })),
  transaction("two kinds of action in one", (TableName) => ({
    TransactItems: [{ Delete: { TableName, Key }, Put: { TableName, Item: Key } }],
  })),
  transaction("a token of 37 characters", (TableName) => ({
    TransactItems: [{ Delete: { TableName, Key } }],
    ClientRequestToken: "t".repeat(37),
  })),
  batch("a batch of 26", deletions(26, String)),
  batch("an empty batch", []),
  batch(
    "a batch with an item twice",
    deletions(2, () => "a"),
  ),
  { request: "a query of no items", send: (table) => queryOf(table, { Limit: 0 }) },
  {
    request: "a query that begins in another partition",
    send: (table) => queryOf(table, { ExclusiveStartKey: { ...Key, pk: { S: "Q" } } }),
  },
];

/** What the emulator carries out, or answers with a condition that fails. */
const acceptedByEmulator: readonly string[] = [
  "a name whose only use is the beginning of another",
  "a number as a prefix",
  "a comparison of an attribute with itself",
  "a range from a number to a string",
  "a clause twice",
  "an attribute twice in a clause",
  "a check without a condition",
  "an update in a transaction without an expression",
  "two kinds of action in one",
];

describe("what DynamoDB refuses", () => {
  test.each(refusals.map((each) => [each.request, each] as const))("%s", async (_, { send }) => {
    await expect(send(createMemoryTable())).rejects.toMatchObject({ name: "ValidationException" });
  });

  test("is what the emulator refuses, but for what is listed", async () => {
    const table = await createTestTable();
    const accepted: string[] = [];
    for (const each of refusals) {
      const name = await each.send(table).then(
        () => null,
        (error: Error) => error.name,
      );
      if (name !== "ValidationException") accepted.push(each.request);
    }
    expect(accepted).toEqual(acceptedByEmulator);
  });
});

test("what Hone does not send is an error of the test, not a refusal", async () => {
  const table = createMemoryTable();
  const { client, tableName: TableName } = table;
  const message = /^The in-process table does not implement/;
  const sent = await Promise.allSettled([
    client.send(new ScanCommand({ TableName })),
    updateOf(table, { ReturnValues: "UPDATED_OLD" }),
    updateOf(table, { UpdateExpression: "SET #n = #n + :n", ...n }),
    updateOf(table, { ConditionExpression: "trials = :n", ExpressionAttributeValues: { ":n": { N: "1" } } }),
    queryOf(table, { ScanIndexForward: false }),
    queryOf(table, { KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": { S: "P" } } }),
    client.send(new PutItemCommand({ TableName, Item: { ...Key, tags: { SS: ["a"] } } })),
    updateOf(table, { UpdateExpression: "SET #n.#n = :n", ...n }),
    updateOf(table, { ConditionExpression: "#n[0] = :n", ...n }),
  ]);
  for (const call of sent) {
    expect(call).toMatchObject({ status: "rejected", reason: { message: expect.stringMatching(message) } });
  }
});

test("sums are exact to 38 digits, which the emulator rounds to 28", async () => {
  const table = createMemoryTable();
  await putNumber(table, "1e20");
  await updateOf(table, { UpdateExpression: "ADD #n :n", ...named("n", "1e-17") });
  expect(await readNumber(table)).toBe("100000000000000000000.00000000000000001");
});

test("clients of one table see the same items", async () => {
  const table = new MemoryTable("shared");
  const [one, other] = [1, 2].map(() => ({
    client: new DynamoDBClient({
      ...clientFor("http://in-process.invalid"),
      requestHandler: handlerFor(table),
    }),
    tableName: "shared",
  }));
  await putNumber(one!, "7");
  expect(await readNumber(other!)).toBe("7");
});
