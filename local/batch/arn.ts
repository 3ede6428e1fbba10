/** The account and Region of the emulator. */
const ACCOUNT = "000000000000";
const REGION = "us-east-1";

/** The ARN of a Batch resource. */
export const arnOf = (kind: "job" | "job-queue" | "job-definition", name: string): string =>
  `arn:aws:batch:${REGION}:${ACCOUNT}:${kind}/${name}`;

/** The name in an ARN; a plain name is returned unchanged. */
export const nameOf = (arnOrName: string): string => arnOrName.replace(/^arn:[^/]*\//, "");
