import {
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  type DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
  type TransactWriteItemsCommandInput,
} from "@aws-sdk/client-dynamodb";

/**
 * Faults injected between the service and its table (the emulator's or the one in this process), as middleware of the SDK. A fault sees every call and says
 * what becomes of it.
 */
export type Fault =
  /** The call is made and answered. */
  | "none"
  /** The call never reaches the table; the process dies. */
  | "crash-before"
  /** The call is carried out; the process dies before it hears of it. */
  | "crash-after"
  /** The call is carried out, the reply is lost on the wire, and the SDK repeats the request. */
  | "lost-reply"
  /** The table refuses the call for its rate, as often as it is sent. */
  | "throttle"
  /** Another transaction holds an item of the write; the write is refused. Reads are carried out. */
  | "conflict"
  /** A batch write does half of its requests and gives the others back. Other calls are carried out. */
  | "partial";

/** What becomes of a call, which is numbered from 0. */
export type FaultPlan = (command: string, call: number, input: object) => Fault;

/** The end of a process: nothing may catch it and go on as if nothing had happened. */
export class Crash extends Error {}

const failure = (name: string, message: string, extra: object) =>
  Object.assign(new Error(message), { name, ...extra });

/** A write that another transaction may hold up. */
const isWrite = (command: string) =>
  command === "UpdateItemCommand" || command === "TransactWriteItemsCommand";

const throwConflict = (command: string, input: object): void => {
  const $metadata = { httpStatusCode: 400 };
  if (command === "UpdateItemCommand") {
    throw new TransactionConflictException({ message: "Transaction is ongoing for the item", $metadata });
  }
  const { TransactItems = [] } = input as TransactWriteItemsCommandInput;
  throw new TransactionCanceledException({
    message: "Transaction cancelled, please refer cancellation reasons for specific reasons",
    CancellationReasons: TransactItems.map((_, i) => ({ Code: i === 0 ? "TransactionConflict" : "None" })),
    $metadata,
  });
};

/** A batch write of half the requests, and the requests that are left. */
const halve = (input: BatchWriteItemCommandInput) => {
  const [[table = "", requests = []] = []] = Object.entries(input.RequestItems ?? {});
  const half = Math.ceil(requests.length / 2);
  const left = requests.slice(half);
  return [
    { ...input, RequestItems: { [table]: requests.slice(0, half) } },
    left.length === 0 ? {} : { [table]: left },
  ] as const;
};

/**
 * Puts the plan in force.
 * @returns takes it out again, and says how many faults have fired.
 */
export const injectFaults = (client: DynamoDBClient, plan: FaultPlan): (() => number) => {
  let calls = 0;
  let fired = 0;
  const faults = new WeakMap<object, Fault>();
  let active = true;
  // Outside the SDK's retries: a process that dies does not retry.
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!active) return next(args);
      const fault = plan(context.commandName ?? "", calls++, args.input);
      faults.set(context, fault);
      if (fault === "crash-before") {
        fired++;
        throw new Crash("crashed before the call");
      }
      if (fault === "conflict" && isWrite(context.commandName ?? "")) {
        fired++;
        throwConflict(context.commandName ?? "", args.input);
      }
      const isPartial = fault === "partial" && context.commandName === "BatchWriteItemCommand";
      const [now, later] = isPartial ? halve(args.input as BatchWriteItemCommandInput) : [args.input, null];
      const result = await next({ ...args, input: now });
      if (later !== null) {
        fired++;
        (result.output as BatchWriteItemCommandOutput).UnprocessedItems = later;
      }
      if (fault === "crash-after") {
        fired++;
        throw new Crash("crashed after the call");
      }
      return result;
    },
    { step: "initialize", name: "hone-crash", override: true },
  );
  const repliesLost = new WeakSet<object>();
  // Inside the retries: every attempt passes here.
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const fault = active ? faults.get(context) : "none";
      if (fault === "throttle") {
        fired++;
        throw failure("ProvisionedThroughputExceededException", "Rate exceeded", {
          $fault: "client",
          $metadata: { httpStatusCode: 400 },
          $retryable: { throttling: true },
        });
      }
      const result = await next(args);
      if (fault === "lost-reply" && !repliesLost.has(context)) {
        repliesLost.add(context);
        fired++;
        throw failure("TimeoutError", "socket hang up", { code: "ECONNRESET", $metadata: {} });
      }
      return result;
    },
    { step: "finalizeRequest", name: "hone-wire", priority: "low", override: true },
  );
  return () => {
    active = false;
    client.middlewareStack.remove("hone-crash");
    client.middlewareStack.remove("hone-wire");
    return fired;
  };
};

/** The SDK decides about retries as it always does, and does not wait before them. */
export const retryAtOnce = (client: DynamoDBClient): void => {
  const { retryStrategy } = client.config;
  const retryBackoffStrategy = { setDelayBase: () => {}, computeNextBackoffDelay: () => 0 };
  client.config.retryStrategy = async () => {
    const strategy = await retryStrategy();
    if (!("retryBackoffStrategy" in strategy)) throw new Error("The SDK waits in another way than expected.");
    return Object.assign(strategy, { retryBackoffStrategy });
  };
};
