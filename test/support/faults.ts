import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/**
 * Faults injected between the service and a real DynamoDB, as middleware of the SDK. A fault sees every call and says
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
  | "throttle";

export type FaultPlan = (command: string, call: number) => Fault;

/** The end of a process: nothing may catch it and go on as if nothing had happened. */
export class Crash extends Error {}

const failure = (name: string, message: string, extra: object) =>
  Object.assign(new Error(message), { name, ...extra });

/** Puts the plan in force; the returned function takes it out again. */
export const injectFaults = (client: DynamoDBClient, plan: FaultPlan): (() => void) => {
  let calls = 0;
  const faults = new WeakMap<object, Fault>();
  let active = true;
  // Outside the SDK's retries: a process that dies does not retry.
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!active) return next(args);
      const fault = plan(context.commandName ?? "", calls++);
      faults.set(context, fault);
      if (fault === "crash-before") throw new Crash("crashed before the call");
      const result = await next(args);
      if (fault === "crash-after") throw new Crash("crashed after the call");
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
        throw failure("ProvisionedThroughputExceededException", "Rate exceeded", {
          $fault: "client",
          $metadata: { httpStatusCode: 400 },
          $retryable: { throttling: true },
        });
      }
      const result = await next(args);
      if (fault === "lost-reply" && !repliesLost.has(context)) {
        repliesLost.add(context);
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
  };
};
