/** The account and Region that the emulator plays. */
const ACCOUNT = "000000000000";
const REGION = "us-east-1";

/** `kind` as AWS spells it: job, job-queue or job-definition. */
export const arnOf = (kind: "job" | "job-queue" | "job-definition", name: string): string =>
  `arn:aws:batch:${REGION}:${ACCOUNT}:${kind}/${name}`;

/** The name in an ARN, or what was given when it is a name already. */
export const nameOf = (arnOrName: string): string => arnOrName.replace(/^arn:[^/]*\//, "");
