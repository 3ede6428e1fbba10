import { HttpRequest } from "@smithy/core/protocols";
import { Unavailable } from "../errors.ts";
import { SCHEDULED_TIME } from "../patterns.ts";
import type { FiringSchedule, Schedules } from "../ports.ts";
import type { FiringMessage } from "../schemas/message.ts";
import { type CallOptions, type CallReply, callSigned } from "./signed-call.ts";

/**
 * EventBridge Scheduler: the only file that calls it. One schedule for each sweep, named after it, in a group of the deployment; it calls
 * the sweep Lambda.
 */
export interface SweepSchedulesOptions extends CallOptions {
  /** URL of EventBridge Scheduler. */
  readonly url: string;
  readonly userAgent: string;
  /** Name of the schedule group. */
  readonly group: string;
  /** ARNs of the Lambda that firings call, of the queue for those that could not be delivered, and of the role that may. */
  readonly target: string;
  readonly failed: string;
  readonly role: string;
}

const NOT_FOUND = 404;
const CONFLICT = 409;
/** A firing that cannot be delivered is tried again for an hour. */
const RETRY = { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 30 } as const;

export const sweepSchedules = (options: SweepSchedulesOptions): Schedules => ({
  put: async (schedule) => {
    const changed = await call(options, "PUT", schedule.sweep, bodyOf(options, schedule));
    if (changed.status !== NOT_FOUND) return succeeded(changed);
    const created = await call(options, "POST", schedule.sweep, bodyOf(options, schedule));
    // Somebody else made it just now, perhaps an earlier try of ours.
    if (created.status !== CONFLICT) return succeeded(created);
    succeeded(await call(options, "PUT", schedule.sweep, bodyOf(options, schedule)));
  },

  remove: async (sweep) => {
    const removed = await call(options, "DELETE", sweep);
    if (removed.status !== NOT_FOUND) succeeded(removed);
  },
});

/** @throws Unavailable */
const succeeded = ({ status, text }: CallReply): void => {
  if (status < 300) return;
  throw Object.assign(new Unavailable(), { cause: new Error(`EventBridge Scheduler: ${status} ${text}`) });
};

const call = (
  { url, group, userAgent, ...caller }: SweepSchedulesOptions,
  method: "POST" | "PUT" | "DELETE",
  sweep: string,
  body?: string,
): Promise<CallReply> => {
  const { protocol, hostname, port, host } = new URL(url);
  return callSigned(
    caller,
    () =>
      new HttpRequest({
        method,
        protocol,
        hostname,
        ...(port !== "" && { port: Number(port) }),
        path: `/schedules/${sweep}`,
        ...(body === undefined && { query: { groupName: group } }),
        headers: {
          host,
          "user-agent": userAgent,
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { body }),
      }),
  );
};

const bodyOf = (
  { group, target, failed, role }: SweepSchedulesOptions,
  { sweep, expression, timezone, start, enabled, revision }: FiringSchedule,
): string => {
  const message: FiringMessage = { version: 1, sweep, revision, scheduled: SCHEDULED_TIME };
  return JSON.stringify({
    GroupName: group,
    ScheduleExpression: expression,
    ScheduleExpressionTimezone: timezone,
    ...(start !== null && { StartDate: start / 1000 }),
    State: enabled ? "ENABLED" : "DISABLED",
    FlexibleTimeWindow: { Mode: "OFF" },
    ActionAfterCompletion: "DELETE",
    Target: {
      Arn: target,
      RoleArn: role,
      Input: JSON.stringify(message),
      RetryPolicy: RETRY,
      DeadLetterConfig: { Arn: failed },
    },
  });
};
