import {
  type BatchInput,
  type BatchOutput,
  batchOperation,
  needsOfBatch,
  sizesOfBatch,
  tagsInBatch,
} from "./batch.ts";
import { type DynamoInput, type DynamoOutput, needsOfTable, sizesOfItems } from "./dynamodb.ts";
import { bytesOf, type CallNote, type Need, size } from "./note.ts";
import { needsOfS3, presignature, s3Operation } from "./s3.ts";
import { needsOfScheduler, type SchedulerInput, schedulerOperation } from "./scheduler.ts";

/** A request and its answer, as they passed. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly answer: string;
  readonly answerHeaders: Readonly<Record<string, string | string[] | undefined>>;
  readonly ms: number;
}

/** Of a signed request, from its Authorization header, or from a presigned URL. */
interface Signature {
  readonly accessKey: string;
  readonly region: string;
  readonly service: string;
}

/** @returns null for a request that is not signed: none of AWS's API. */
export const signatureOf = ({ headers, path }: Pick<Exchange, "headers" | "path">): Signature | null => {
  const [, accessKey, region, service] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/.exec(
      String(headers.authorization ?? presignature(path)),
    ) ?? [];
  if (accessKey === undefined || region === undefined || service === undefined) return null;
  return { accessKey, region, service };
};

/** The key that tests and tools use; the emulator takes it for the account's root. */
const TEST_KEY = "test";
const ACCOUNT = "000000000000";

/** Reads one call of AWS's API. @returns null when it is none. */
export const noteCall = (exchange: Exchange): CallNote | null => {
  const signature = signatureOf(exchange);
  if (signature === null) return null;
  const { region, service } = signature;
  const arn = (rest: string, of = service) => `arn:aws:${of}:${region}:${ACCOUNT}:${rest}`;
  const name = operationOf(service, exchange);
  const read = readers[service] ?? (() => ({ needs: null, sizes: [] }));
  return {
    kind: "call",
    lambda: callerOf(exchange),
    byTest: signature.accessKey === TEST_KEY,
    operation: `${service}:${name}`,
    status: exchange.status,
    error: exchange.status >= 400 ? errorOf(exchange) : null,
    ...read(name, exchange.body, json(exchange.body), json(exchange.answer), arn, exchange.path),
  };
};

/** Whoever uses a presigned URL does so with the rights of the api, the only Lambda that makes any. */
const callerOf = ({ headers, path }: Exchange): string | null =>
  presignature(path) === ""
    ? (/\bapp\/hone-([a-z]+)/.exec(String(headers["user-agent"] ?? ""))?.[1] ?? null)
    : "api";

/** In the header of AWS's JSON protocols; in the path of REST ones, of which we use Batch, S3 and EventBridge Scheduler. */
const operationOf = (service: string, { headers, method, path, body }: Exchange): string => {
  const target = String(headers["x-amz-target"] ?? "");
  if (target !== "") return target.replace(/^.*\./, "");
  if (service === "sts") return new URLSearchParams(body).get("Action") ?? "nothing";
  if (service === "s3") return s3Operation(method, path);
  if (service === "scheduler") return schedulerOperation(method, path);
  return service === "batch" ? batchOperation(path) : `${method} ${path}`;
};

/** What each service's operations need, and how large they are. */
type Reader = (
  operation: string,
  body: string,
  input: object,
  output: object,
  arn: (rest: string) => string,
  path: string,
) => Pick<CallNote, "needs" | "tags" | "sizes">;

const readers: Readonly<Record<string, Reader>> = {
  dynamodb: (operation, _, input: DynamoInput, output: DynamoOutput, arn) => ({
    needs: needsOfTable(operation, input, (table) =>
      table.startsWith("arn:") ? table : arn(`table/${table}`),
    ),
    sizes: sizesOfItems(operation, input, output),
  }),
  sqs: (operation, _, input: QueueInput, __, arn) => ({
    needs: needsOfQueue(operation, input, arn),
    sizes: [...(input.Entries ?? []), input].flatMap(({ MessageBody: message }) =>
      message === undefined
        ? []
        : [size("SQS message", bytesOf(message)), size("our dispatch message", bytesOf(message))],
    ),
  }),
  states: (operation, _, input: MachineInput) => ({
    needs: needsOfMachine(operation, input),
    sizes: [
      ...[input.input, input.output].flatMap((payload) =>
        payload === undefined ? [] : [size("Step Functions payload", bytesOf(payload))],
      ),
      ...(operation === "StartExecution"
        ? [size("Step Functions execution name", input.name?.length ?? 0)]
        : []),
    ],
  }),
  sts: (operation, body) => ({ needs: needsOfSts(operation, new URLSearchParams(body)), sizes: [] }),
  s3: (operation, _body, _input, _output, _arn, path) => ({ needs: needsOfS3(operation, path), sizes: [] }),
  scheduler: (operation, _body, input: SchedulerInput, _output, arn, path) => ({
    needs: needsOfScheduler(operation, path, input, arn),
    sizes: [],
  }),
  batch: (operation, body, input: BatchInput, output: BatchOutput, arn) => {
    const arnOf = (kind: string, name: string) => (name.startsWith("arn:") ? name : arn(`${kind}/${name}`));
    return {
      needs: needsOfBatch(operation, input, output, arnOf),
      tags: tagsInBatch(output, arnOf),
      sizes: sizesOfBatch(operation, body),
    };
  },
};

interface QueueInput {
  readonly QueueUrl?: string;
  readonly MessageBody?: string;
  readonly Entries?: readonly { readonly MessageBody?: string }[];
}

/** SendMessageBatch is no action of its own. */
const needsOfQueue = (operation: string, { QueueUrl = "" }: QueueInput, arn: (rest: string) => string) =>
  operation === "SendMessage" || operation === "SendMessageBatch"
    ? [{ action: "sqs:SendMessage", resource: arn(QueueUrl.replace(/^.*\//, "")) }]
    : null;

/** Whoever assumes a role with tags must be allowed both. */
const needsOfSts = (operation: string, input: URLSearchParams): Need[] | null => {
  if (operation !== "AssumeRole") return null;
  const resource = input.get("RoleArn") ?? "";
  const tags: [string, string][] = [];
  for (let n = 1; input.has(`Tags.member.${n}.Key`); n++) {
    tags.push([input.get(`Tags.member.${n}.Key`) ?? "", input.get(`Tags.member.${n}.Value`) ?? ""]);
  }
  const context = {
    ...Object.fromEntries(tags.map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    "aws:TagKeys": tags.map(([key]) => key),
  };
  return ["sts:AssumeRole", "sts:TagSession"].map((action) => ({ action, resource, context }));
};

interface MachineInput {
  readonly stateMachineArn?: string;
  readonly executionArn?: string;
  readonly name?: string;
  readonly input?: string;
  readonly output?: string;
}

const needsOfMachine = (operation: string, input: MachineInput): Need[] | null => {
  switch (operation) {
    case "StartExecution":
      return [{ action: "states:StartExecution", resource: input.stateMachineArn ?? "" }];
    case "StopExecution":
    case "DescribeExecution":
      return [{ action: `states:${operation}`, resource: input.executionArn ?? "" }];
    case "SendTaskSuccess":
      return [{ action: "states:SendTaskSuccess", resource: "*" }]; // a token names no resource
    default:
      return null;
  }
};

/** `com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException` or `ClientException:http://…`: the name alone. */
const errorOf = ({ answer, answerHeaders }: Exchange): string => {
  const { __type } = json(answer) as { __type?: string };
  const type = String(answerHeaders["x-amzn-errortype"] ?? __type ?? "unknown");
  return type.replace(/^.*#/, "").replace(/:.*$/, "");
};

const json = (text: string): object => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
};
