import type { Need } from "./note.ts";

/** EventBridge Scheduler's paths are its resources; the method says what is done to a schedule. */
const operations: Readonly<Record<string, string>> = {
  POST: "CreateSchedule",
  PUT: "UpdateSchedule",
  DELETE: "DeleteSchedule",
  GET: "GetSchedule",
};

const SCHEDULE = /^\/schedules\/([^/?]+)/;

/** @returns the operation as IAM spells it; method and path when we do not know it. */
export const schedulerOperation = (method: string, path: string): string =>
  (SCHEDULE.test(path) ? operations[method] : undefined) ?? `${method} ${path.replace(/\?.*$/, "")}`;

export interface SchedulerInput {
  readonly GroupName?: string;
  readonly Target?: { readonly RoleArn?: string };
}

/** Whoever makes a schedule passes it a role, to EventBridge Scheduler. @param arn of a resource, by the rest of it. */
export const needsOfScheduler = (
  operation: string,
  path: string,
  { GroupName, Target }: SchedulerInput,
  arn: (rest: string) => string,
): Need[] | null => {
  const [, name = ""] = SCHEDULE.exec(path) ?? [];
  if (!Object.values(operations).includes(operation)) return null;
  const group = GroupName ?? new URLSearchParams(path.replace(/^[^?]*\??/, "")).get("groupName") ?? "default";
  const own = { action: `scheduler:${operation}`, resource: arn(`schedule/${group}/${name}`) };
  if (Target?.RoleArn === undefined) return [own];
  const context = { "iam:PassedToService": "scheduler.amazonaws.com" };
  return [own, { action: "iam:PassRole", resource: Target.RoleArn, context }];
};
