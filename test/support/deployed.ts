import { CloudFormationClient, paginateListStackResources } from "@aws-sdk/client-cloudformation";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SQSClient } from "@aws-sdk/client-sqs";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { inject } from "vitest";
import { makeNames } from "../../infra/names.ts";
import { CORE_STACK } from "../../shared/deployment.ts";
import { callSigned } from "../../shared/executor/signed-call.ts";
import type { Study } from "../../shared/schemas/study.ts";
import type { TrialDetail, TrialPage } from "../../shared/schemas/trial.ts";
import { client, until } from "./http.ts";

/** What tests of the deployed stack do over and over. */

/** Settings of an SDK client of the emulator's account, as its root. */
export const rootAccess = () => ({
  endpoint: inject("stack").endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
});

/** What the emulator called the stack's resources: physical ids by logical ids. */
export const physicalIds = async (): Promise<Readonly<Record<string, string>>> => {
  const ids: Record<string, string> = {};
  const client = new CloudFormationClient(rootAccess());
  for await (const page of paginateListStackResources({ client }, { StackName: CORE_STACK })) {
    for (const { LogicalResourceId, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
      if (LogicalResourceId !== undefined && PhysicalResourceId !== undefined)
        ids[LogicalResourceId] = PhysicalResourceId;
    }
  }
  return ids;
};

/** Calls a Lambda of the stack. @returns its answer. @throws Error when it throws. */
export const invokeLambda = async (lambda: string, event: object): Promise<unknown> => {
  const ids = Object.entries(await physicalIds());
  const [, name] = ids.find(([id]) => new RegExp(`^${lambda}Function[0-9A-F]{8}$`).test(id)) ?? [];
  const payload = { FunctionName: name, Payload: JSON.stringify(event) };
  const reply = await new LambdaClient(rootAccess()).send(new InvokeCommand(payload));
  const text = new TextDecoder().decode(reply.Payload);
  if (reply.FunctionError !== undefined) throw new Error(`${lambda}: ${text}`);
  return text === "" ? null : JSON.parse(text);
};

/** What EventBridge Scheduler has of a sweep; null: nothing. @param method `DELETE` takes it away. */
export const scheduleOf = async (
  sweep: string,
  method: "GET" | "DELETE" = "GET",
): Promise<Readonly<Record<string, unknown>> | null> => {
  const { config } = new SQSClient(rootAccess());
  const { hostname, port, protocol, host } = new URL(inject("stack").endpoint);
  const { status, text } = await callSigned(
    {
      signer: new SignatureV4({ ...config, service: "scheduler" }),
      send: (request) => config.requestHandler.handle(request),
    },
    () =>
      new HttpRequest({
        method,
        protocol,
        hostname,
        port: Number(port),
        path: `/schedules/${sweep}`,
        query: { groupName: makeNames(null).scheduleGroup },
        headers: { host },
      }),
  );
  if (status === 404) return null;
  if (status >= 300) throw new Error(`${status}: ${text}`);
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
};

/** An answer with a study that must have this status. */
const expectStatus = (reply: { status: number; body: Study }, status: number): Study => {
  if (reply.status === status) return reply.body;
  throw new Error(`${reply.status} instead of ${status}: ${JSON.stringify(reply.body)}`);
};

/**
 * Batch studies, over HTTP.
 * @param access of another team than the stack's.
 */
export const deployed = (access: { readonly team?: string; readonly token?: string } = {}) => {
  const stack = { ...inject("stack"), ...access };
  const call = client(stack);
  const read = async (study: string) => (await call<Study>("GET", `/studies/${study}`)).body;
  const trial = async (study: string, number: number) =>
    (await call<TrialDetail>("GET", `/studies/${study}/trials/${number}`)).body;
  return {
    stack,
    call,
    read,
    trial,

    /** Creates a study whose trials run this Python program, of one parameter if nothing else is said. @returns its id. */
    batchStudy: async (
      program: string,
      change: Record<string, unknown> = {},
      args: readonly string[] = [],
    ) => {
      // Tests look at every report.
      const command = [
        ...[...stack.runner, "exec", "--report-every", "0", "--"],
        ...["python3", "-u", "-c", program, ...args],
      ];
      const { executor, ...rest } = change;
      const reply = await call<Study>("POST", "/studies", {
        name: "batch-study",
        space: { x: { type: "float", low: -5, high: 5 } },
        objectives: [{ metric: "loss", direction: "minimize" }],
        algorithm: { name: "random", seed: 3 },
        budget: { trials: 6, parallel: 3 },
        lease: { seconds: 30, maxAttempts: 3 },
        executor: {
          type: "batch",
          image: "python:3.13-slim",
          command,
          vcpus: 0.25,
          memoryMiB: 256,
          timeoutSeconds: 60,
          ...(executor as object),
        },
        ...rest,
      });
      return expectStatus(reply, 201).study;
    },

    start: async (study: string) => {
      const started = expectStatus(await call<Study>("POST", `/studies/${study}/start`), 200);
      if (!started.started) throw new Error(`${study} was not started.`);
    },

    trialsOf: async (study: string) => (await call<TrialPage>("GET", `/studies/${study}/trials`)).body.trials,

    finished: (study: string, seconds = 90) =>
      until(
        () => read(study),
        ({ state }) => state === "finished",
        seconds,
      ),

    /** Waits until a trial's container has claimed its attempt. @returns its job. */
    running: async (study: string, number: number): Promise<string> => {
      const found = await until(
        () => trial(study, number),
        ({ state, jobId, leaseExpires }) => state === "running" && jobId !== null && leaseExpires !== null,
        60,
      );
      return String(found.jobId);
    },

    /** Asks the local Batch for what only it has: `end`, `interrupt`, `faults`. */
    local: async (what: string, body: unknown) => {
      const reply = await fetch(`${stack.batch}/local/${what}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);
    },
  };
};
