import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { z } from "zod";
import { endings, type LocalBatch } from "./batch.ts";
import { BatchError, clientError } from "./errors.ts";
import { FaultPlan, type Faults } from "./faults.ts";
import {
  DeregisterJobDefinition,
  DescribeJobDefinitions,
  DescribeJobs,
  ListJobs,
  RegisterJobDefinition,
  SubmitJob,
  TerminateJob,
} from "./requests.ts";

type Operation = (body: unknown) => unknown;

const operation =
  <T>(schema: z.ZodType<T>, run: (input: T) => unknown): Operation =>
  (body) => {
    const parsed = schema.safeParse(body);
    if (!parsed.success) throw clientError(z.prettifyError(parsed.error));
    return run(parsed.data) ?? {};
  };

/** The operations of AWS, and below `/local` those that only the local Batch has. */
const operationsOf = (batch: LocalBatch, faults: Faults): Readonly<Record<string, Operation>> => ({
  "/v1/registerjobdefinition": operation(RegisterJobDefinition, (input) => batch.definitions.register(input)),
  "/v1/describejobdefinitions": operation(DescribeJobDefinitions, (input) =>
    batch.definitions.describe(input),
  ),
  "/v1/deregisterjobdefinition": operation(DeregisterJobDefinition, ({ jobDefinition }) =>
    batch.definitions.deregister(jobDefinition),
  ),
  "/v1/submitjob": operation(SubmitJob, (input) => batch.submit(input)),
  "/v1/describejobs": operation(DescribeJobs, ({ jobs }) => batch.describe(jobs)),
  "/v1/listjobs": operation(ListJobs, (input) => batch.list(input)),
  "/v1/terminatejob": operation(TerminateJob, ({ jobId, reason }) => batch.terminate(jobId, reason)),
  "/local/end": operation(z.strictObject({ jobId: z.string(), how: z.enum(endings) }), ({ jobId, how }) =>
    batch.endBy(jobId, how),
  ),
  "/local/interrupt": operation(z.strictObject({ jobId: z.string() }), ({ jobId }) =>
    batch.endBy(jobId, "host-terminated"),
  ),
  "/local/faults": operation(FaultPlan, (plan) => faults.order(plan)),
  "/local/ready": () => ({}),
});

/** AWS Batch's REST-JSON protocol for a `LocalBatch`. Signatures are not checked: bind it to the loopback interface only. */
export const batchServer = (batch: LocalBatch, faults: Faults): Server => {
  const operations = operationsOf(batch, faults);
  return createServer(async (request, response) => {
    const path = request.url ?? "";
    try {
      const run = operations[path];
      if (run === undefined || request.method !== "POST") {
        throw new BatchError(
          404,
          "UnknownOperationException",
          `The local Batch has no ${request.method} ${path}`,
        );
      }
      const body: unknown = JSON.parse((await textOf(request)) || "{}");
      const fault = path.startsWith("/v1/") ? faults.next(path.slice("/v1/".length)) : undefined;
      if (fault === "throttle") throw new BatchError(429, "TooManyRequestsException", "Too Many Requests");
      if (fault === "error") throw new BatchError(500, "ServerException", "Internal failure");
      if (fault === "drop") return void request.socket.destroy();
      const answer = run(body);
      if (fault === "accept-then-drop") return void request.socket.destroy();
      send(response, 200, answer);
    } catch (error) {
      const known =
        error instanceof BatchError ? error : new BatchError(500, "ServerException", String(error));
      send(response, known.status, { message: known.message }, { "x-amzn-errortype": known.type });
    }
  });
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

const send = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};
