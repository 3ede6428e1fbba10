import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SQSClient } from "@aws-sdk/client-sqs";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { callSigned } from "../../../shared/executor/signed-call.ts";
import { sweepSchedules } from "../../../shared/executor/sweep-schedules.ts";
import type { FiringSchedule } from "../../../shared/ports.ts";
import { FiringMessage } from "../../../shared/schemas/message.ts";
import { emulatorClient } from "../../support/emulator.ts";

/** The adapter on the emulator's EventBridge Scheduler. */

const GROUP = `sweeps-${randomUUID().slice(0, 8)}`;
const arn = (rest: string) => `arn:aws:${rest}`;
const target = arn("lambda:us-east-1:000000000000:function:hone-sweep");
const failed = arn("sqs:us-east-1:000000000000:failed");
const role = arn("iam::000000000000:role/firing");

const emulator = String(inject("emulator"));
const { config } = new SQSClient(emulatorClient());
const caller = {
  signer: new SignatureV4({ ...config, service: "scheduler" }),
  send: (request: HttpRequest) => config.requestHandler.handle(request),
};
const at = (url: string) =>
  sweepSchedules({ ...caller, url, userAgent: "hone app/hone-test", group: GROUP, target, failed, role });

const ask = (method: string, path: string, body?: object) => {
  const { hostname, port, protocol, host } = new URL(emulator);
  const [place = "", query = ""] = path.split("?");
  return callSigned(
    caller,
    () =>
      new HttpRequest({
        method,
        protocol,
        hostname,
        port: Number(port),
        path: place,
        query: Object.fromEntries(new URLSearchParams(query)),
        headers: { host },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  );
};
const found = async (sweep: string) => {
  const { status, text } = await ask("GET", `/schedules/${sweep}?groupName=${GROUP}`);
  return status === 404 ? null : JSON.parse(text);
};

const schedule = (change: Partial<FiringSchedule> = {}): FiringSchedule => ({
  sweep: `nightly-${randomUUID().slice(0, 6)}`,
  expression: "cron(0 3 * * ? *)",
  timezone: "Europe/Berlin",
  start: null,
  enabled: true,
  revision: 1,
  ...change,
});

beforeAll(async () => {
  expect((await ask("POST", `/schedule-groups/${GROUP}`, {})).status).toBe(200);
});

test("a schedule is made in its group, and sends its sweep, its revision and its time to the Lambda", async () => {
  const one = schedule();
  await at(emulator).put(one);
  const made = await found(one.sweep);
  expect(made).toMatchObject({
    GroupName: GROUP,
    ScheduleExpression: "cron(0 3 * * ? *)",
    ScheduleExpressionTimezone: "Europe/Berlin",
    State: "ENABLED",
    FlexibleTimeWindow: { Mode: "OFF" },
    ActionAfterCompletion: "DELETE",
    Target: { Arn: target, RoleArn: role, DeadLetterConfig: { Arn: failed } },
  });
  expect(made.StartDate).toBeUndefined();
  const message = JSON.parse(made.Target.Input);
  expect(FiringMessage.parse(message)).toEqual({
    version: 1,
    sweep: one.sweep,
    revision: 1,
    scheduled: "<aws.scheduler.scheduled-time>",
  });
});

test("the same schedule is changed: paused, in another revision, from a time on", async () => {
  const one = schedule();
  const schedules = at(emulator);
  await schedules.put(one);
  const start = Date.UTC(2026, 11, 1);
  await schedules.put({ ...one, enabled: false, revision: 2, expression: "rate(6 hours)", start });
  const changed = await found(one.sweep);
  expect(changed).toMatchObject({
    State: "DISABLED",
    ScheduleExpression: "rate(6 hours)",
    StartDate: start / 1000,
  });
  expect(JSON.parse(changed.Target.Input).revision).toBe(2);
});

test("a schedule is removed, and what is not there is no fault", async () => {
  const one = schedule();
  const schedules = at(emulator);
  await schedules.put(one);
  await schedules.remove(one.sweep);
  expect(await found(one.sweep)).toBeNull();
  await schedules.remove(one.sweep);
});

/** A scheduler that gives these answers, one after the other. @returns its URL, and what it was asked. */
const answering = async (...answers: readonly number[]) => {
  const asked: string[] = [];
  const left = [...answers];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${String(request.headers["user-agent"])}`);
    response.writeHead(left.shift() ?? 500).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
};

test("one that somebody else makes at the same time is changed", async () => {
  const { url, asked } = await answering(404, 409, 200);
  await at(url).put(schedule({ sweep: "nightly-abc" }));
  expect(asked).toEqual(
    ["PUT", "POST", "PUT"].map((method) => `${method} /schedules/nightly-abc hone app/hone-test`),
  );
});

test("what passes is tried again; what does not is Unavailable, with the answer as its cause", async () => {
  const passing = await answering(500, 429, 200);
  await at(passing.url).remove("nightly-abc");
  expect(passing.asked).toHaveLength(3);
  expect(passing.asked[0]).toContain(`DELETE /schedules/nightly-abc?groupName=${GROUP}`);
  const refusing = await answering(400);
  await expect(at(refusing.url).put(schedule())).rejects.toMatchObject({
    type: "unavailable",
    cause: { message: expect.stringContaining("400") },
  });
  const missing = await answering(404, 404);
  await expect(at(missing.url).put(schedule())).rejects.toMatchObject({ type: "unavailable" });
});
