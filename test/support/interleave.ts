import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/**
 * Lets something happen just before the next call of a command, once: what was read is then out of date when it is
 * written.
 * @param command the command's name, as "TransactWriteItemsCommand".
 * @param nth before which of the next calls; the first by default.
 */
export const before = (
  client: DynamoDBClient,
  command: string,
  run: () => Promise<unknown>,
  nth = 1,
): void => {
  let isDone = false;
  let calls = 0;
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!isDone && context.commandName === command && ++calls === nth) {
        isDone = true;
        client.middlewareStack.remove("hone-before");
        await run();
      }
      return next(args);
    },
    { step: "initialize", name: "hone-before", override: true },
  );
};

/** Notes the names of the commands that are sent while something runs. */
export const commandsOf = async (client: DynamoDBClient, run: () => Promise<unknown>): Promise<string[]> => {
  const commands: string[] = [];
  client.middlewareStack.add(
    (next, context) => async (args) => {
      commands.push(context.commandName ?? "");
      return next(args);
    },
    { step: "initialize", name: "hone-commands", override: true },
  );
  try {
    await run();
  } finally {
    client.middlewareStack.remove("hone-commands");
  }
  return commands;
};

export const QUERY = "QueryCommand";
export const UPDATE = "UpdateItemCommand";
export const TRANSACT = "TransactWriteItemsCommand";
