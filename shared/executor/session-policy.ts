/** What a session may reach, beside what its role allows: AWS allows what both do. */
export interface SessionScope {
  /** ARN of the API's stage. */
  readonly stageArn: string;
  /** Path of a team in the API, with `{team}` for its name. */
  readonly tree: string;
  readonly bucket: string;
  readonly team: string;
  readonly study: string;
  /** Of the study's objects in the bucket, with a slash at its end. */
  readonly prefix: string;
}

/** STS takes no longer policy. */
export const MAX_POLICY_CHARACTERS = 2048;

/**
 * The policy of a session of one study, as IAM reads it: everything of that study in the API, and its objects to read. A
 * role's tags say the same; a policy that is wrong there does not open another study.
 */
export const sessionPolicy = ({ stageArn, tree, bucket, team, study, prefix }: SessionScope): string => {
  const path = `${stageArn}/*${tree.replace("{team}", team)}/studies/${study}`;
  const [, partition = "aws"] = stageArn.split(":");
  const objects = `arn:${partition}:s3:::${bucket}`;
  const allow = (Action: string, Resource: string | readonly string[], Condition?: object) => ({
    Effect: "Allow",
    Action,
    Resource,
    ...(Condition && { Condition }),
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      allow("execute-api:Invoke", [path, `${path}/*`]),
      allow("s3:GetObject", `${objects}/${prefix}*`),
      allow("s3:ListBucket", objects, { StringLike: { "s3:prefix": `${prefix}*` } }),
    ],
  });
};
