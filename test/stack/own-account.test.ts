import { readFileSync } from "node:fs";
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { expect, test } from "vitest";
import { rootAccess } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** The template for a team's own account, deployed as docs/teams.md says; what its policy allows: test/permissions/own-account.test.ts. */

test("the template deploys with its two parameters, and names what it made", async () => {
  const client = new CloudFormationClient(rootAccess());
  const StackName = "hone-acme";
  const TemplateBody = readFileSync(new URL("../../infra/teams/own-account.yaml", import.meta.url), "utf8");
  await client.send(
    new CreateStackCommand({
      StackName,
      TemplateBody,
      Capabilities: ["CAPABILITY_IAM"],
      Parameters: [
        { ParameterKey: "Team", ParameterValue: "acme" },
        { ParameterKey: "HoneAccount", ParameterValue: "111122223333" },
      ],
    }),
  );
  const stack = await until(
    async () => (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0],
    (found) => !found?.StackStatus?.endsWith("IN_PROGRESS"),
    30,
  );
  expect(stack?.StackStatus).toBe("CREATE_COMPLETE");
  const outputs = Object.fromEntries(
    (stack?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
  );
  expect(outputs).toEqual({
    PolicyArn: expect.stringMatching(/^arn:aws:iam::\d{12}:policy\//),
    RoleArn: expect.stringMatching(/^arn:aws:iam::\d{12}:role\//),
  });
  await client.send(new DeleteStackCommand({ StackName }));
});
