import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { IAM_BASE_PATH } from "../../shared/api/routes.ts";
import { CHECKPOINTS } from "../../shared/deployment.ts";

export interface Scopes {
  /** ARN of the API's stage. */
  readonly stageArn: string;
  readonly bucketArn: string;
  /** For the emulator, which puts no tags into resources: there only the session's own policy names the study. */
  readonly local: boolean;
}

const ofTag = (tag: "team" | "study", local: boolean) => (local ? "*" : `\${aws:PrincipalTag/${tag}}`);

/**
 * What a session may do that is tagged with a team and a study: call everything of that study, and read its objects. What is
 * uploaded goes through the URLs of a trial's `checkpoint`, which fence lost attempts.
 */
export const oneStudy = ({ stageArn, bucketArn, local }: Scopes): PolicyStatement[] => {
  const [team, study] = [ofTag("team", local), ofTag("study", local)];
  const path = `${stageArn}/*${IAM_BASE_PATH.replace("{team}", team)}/studies/${study}`;
  const objects = `${CHECKPOINTS}${team}/${study}/*`;
  return [
    new PolicyStatement({ actions: ["execute-api:Invoke"], resources: [path, `${path}/*`] }),
    new PolicyStatement({ actions: ["s3:GetObject"], resources: [`${bucketArn}/${objects}`] }),
    new PolicyStatement({
      actions: ["s3:ListBucket"],
      resources: [bucketArn],
      conditions: { StringLike: { "s3:prefix": objects } },
    }),
  ];
};
