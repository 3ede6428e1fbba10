import { bytesOf, type Need, type Size, size } from "./note.ts";

/** AWS Batch's paths are its operations in lower case. */
const operations = [
  "SubmitJob",
  "DescribeJobs",
  "ListJobs",
  "TerminateJob",
  "RegisterJobDefinition",
  "DescribeJobDefinitions",
  "DeregisterJobDefinition",
] as const;

/** @returns the operation as IAM spells it; the path's own word when we do not know it. */
export const batchOperation = (path: string): string => {
  const word = path.replace(/^\/v1\//, "");
  return operations.find((operation) => operation.toLowerCase() === word) ?? word;
};

export interface BatchInput {
  readonly jobId?: string;
  readonly jobQueue?: string;
  readonly jobDefinition?: string;
  readonly jobDefinitionName?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly containerProperties?: { readonly jobRoleArn?: string; readonly executionRoleArn?: string };
}
export interface BatchOutput {
  readonly jobId?: string;
  readonly jobDefinitionArn?: string;
  readonly jobs?: readonly { readonly jobId?: string; readonly tags?: Readonly<Record<string, string>> }[];
}

/**
 * What Batch's operations ask for, by the service authorization reference: a job, its queue and its definition to submit
 * it; batch:TagResource on what is made with tags; iam:PassRole for the roles that a definition names.
 * @param arn of a resource of Batch, by its kind and its name or ARN.
 */
export const needsOfBatch = (
  operation: string,
  input: BatchInput,
  output: BatchOutput,
  arn: (kind: string, name: string) => string,
): Need[] | null => {
  const tag = (resource: string): Need[] =>
    Object.keys(input.tags ?? {}).length === 0 ? [] : [{ action: "batch:TagResource", resource }];
  switch (operation) {
    case "SubmitJob": {
      const job = arn("job", output.jobId ?? "unknown");
      const resources = [
        job,
        arn("job-definition", input.jobDefinition ?? ""),
        arn("job-queue", input.jobQueue ?? ""),
      ];
      const context = Object.fromEntries(
        Object.entries(input.tags ?? {}).map(([key, value]) => [`aws:RequestTag/${key}`, value]),
      );
      return [
        ...resources.map((resource) => ({ action: "batch:SubmitJob", resource, context })),
        ...tag(job),
      ];
    }
    case "RegisterJobDefinition": {
      const name = arn("job-definition", input.jobDefinitionName ?? "");
      const { jobRoleArn, executionRoleArn } = input.containerProperties ?? {};
      return [
        { action: "batch:RegisterJobDefinition", resource: name },
        ...tag(output.jobDefinitionArn ?? `${name}:1`),
        ...[jobRoleArn, executionRoleArn].flatMap((resource) =>
          resource === undefined ? [] : [{ action: "iam:PassRole", resource }],
        ),
      ];
    }
    case "DeregisterJobDefinition":
      return [
        {
          action: "batch:DeregisterJobDefinition",
          resource: arn("job-definition", input.jobDefinition ?? ""),
        },
      ];
    case "TerminateJob":
      return [{ action: "batch:TerminateJob", resource: arn("job", input.jobId ?? "") }];
    case "DescribeJobs":
    case "ListJobs":
    case "DescribeJobDefinitions":
      return [{ action: `batch:${operation}`, resource: "*" }];
    default:
      return null;
  }
};

/** The tags of the jobs that an answer shows, by their ARNs. */
export const tagsInBatch = (
  { jobs = [] }: BatchOutput,
  arn: (kind: string, name: string) => string,
): Record<string, Readonly<Record<string, string>>> =>
  Object.fromEntries(
    jobs.flatMap(({ jobId, tags }) => (jobId === undefined || !tags ? [] : [[arn("job", jobId), tags]])),
  );

export const sizesOfBatch = (operation: string, body: string): Size[] => {
  if (operation === "SubmitJob") return [size("Batch SubmitJob", bytesOf(body))];
  if (operation === "RegisterJobDefinition") return [size("Batch job definition", bytesOf(body))];
  return [];
};
