import { SQSClient } from "@aws-sdk/client-sqs";
import { type HttpRequest, HttpResponse } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { expect, test } from "vitest";
import { identities } from "../../../shared/executor/identities.ts";
import { emulatorClient } from "../../support/emulator.ts";

const options = {
  stageArn: "arn:aws:execute-api:eu-west-1:000000000000:api1/$default",
  tree: "/iam/v1/teams/{team}",
  teamRoles: "arn:aws:iam::000000000000:role/hone-team-",
  sessionsRole: "arn:aws:iam::000000000000:role/hone-sessions",
  api: "https://api.test/iam/v1",
  bucket: "hone-bucket",
  url: "https://sts.eu-west-1.amazonaws.com/",
  userAgent: "hone-test",
};
const request = {
  id: "k3v7qmz2hd5a",
  team: "acme",
  study: "svm-1",
  prefix: "checkpoints/acme/svm-1/",
  seconds: 900,
};

test("STS makes a session that has the given name and time", async () => {
  const { config } = new SQSClient(emulatorClient());
  const port = identities({
    ...options,
    url: emulatorClient().endpoint,
    signer: new SignatureV4({ ...config, service: "sts" }),
    send: (sent) => config.requestHandler.handle(sent),
  });
  const made = await port.makeSession(request);
  expect(made).toMatchObject({
    accessKeyId: expect.stringMatching(/^ASIA/),
    secretAccessKey: expect.stringMatching(/./),
    sessionToken: expect.stringMatching(/./),
  });
  const seconds = (made.expires - Date.now()) / 1000;
  expect(seconds).toBeGreaterThan(request.seconds - 30);
  expect(seconds).toBeLessThanOrEqual(request.seconds + 1);
});

/** STS that answers nothing but this. */
const answering = (status: number, text: string) => {
  const sent: string[] = [];
  const send = async ({ body }: HttpRequest) => {
    sent.push(String(body));
    return { response: new HttpResponse({ statusCode: status, body: [Buffer.from(text)] }) };
  };
  const signer = { sign: async (unsigned: unknown) => unsigned as HttpRequest } as unknown as Pick<
    SignatureV4,
    "sign"
  >;
  return { sent, port: identities({ ...options, signer, send }) };
};
const secrets = {
  AccessKeyId: "ASIA1",
  SecretAccessKey: "s/+=",
  SessionToken: "t//",
  Expiration: "2026-11-27T12:00:00Z",
};
const answer = (fields: Readonly<Record<string, string>>) =>
  `<AssumeRoleResponse><AssumeRoleResult><Credentials>${Object.entries(fields)
    .map(([name, text]) => `<${name}>${text}</${name}>`)
    .join("")}</Credentials></AssumeRoleResult></AssumeRoleResponse>`;

test("the role of sessions is assumed with both tags, and a policy for the study alone", async () => {
  const { sent, port } = answering(200, answer(secrets));
  expect(await port.makeSession(request)).toEqual({
    accessKeyId: "ASIA1",
    secretAccessKey: "s/+=",
    sessionToken: "t//",
    expires: Date.parse(secrets.Expiration),
  });
  expect(port.region).toBe("eu-west-1");
  const path = `${options.stageArn}/*/iam/v1/teams/acme/studies/svm-1`;
  const allow = (Action: string, Resource: string | string[], more = {}) => ({
    Effect: "Allow",
    Action,
    Resource,
    ...more,
  });
  const { Policy = "", ...input } = Object.fromEntries(new URLSearchParams(sent[0]));
  expect(input).toEqual({
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: options.sessionsRole,
    RoleSessionName: "hone-k3v7qmz2hd5a",
    DurationSeconds: "900",
    "Tags.member.1.Key": "team",
    "Tags.member.1.Value": "acme",
    "Tags.member.2.Key": "study",
    "Tags.member.2.Value": "svm-1",
  });
  expect(JSON.parse(Policy).Statement).toEqual([
    allow("execute-api:Invoke", [path, `${path}/*`]),
    allow("s3:GetObject", "arn:aws:s3:::hone-bucket/checkpoints/acme/svm-1/*"),
    allow("s3:ListBucket", "arn:aws:s3:::hone-bucket", {
      Condition: { StringLike: { "s3:prefix": "checkpoints/acme/svm-1/*" } },
    }),
  ]);
});

test.each([
  ["AccessDenied", 403, "sessions-refused"],
  ["PackedPolicyTooLargeException", 400, "sessions-refused"],
  ["RegionDisabledException", 403, "sessions-refused"],
  ["ExpiredTokenException", 403, "sessions-refused"],
  ["ThrottlingException", 400, "busy"],
  ["InternalFailure", 500, "busy"],
])("%s is told in words of ours, with AWS's own as the cause", async (name, status, kind) => {
  const said = "arn:aws:iam::000000000000:role/hone-sessions";
  const { port } = answering(status, `<Error><Code>${name}</Code><Message>${said}</Message></Error>`);
  const refusal = await port.makeSession(request).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ type: "unavailable", facts: { kind }, cause: { name, message: said } });
  expect((refusal as Error).message).not.toContain("arn:");
});

const without = (field: string) =>
  Object.fromEntries(Object.entries(secrets).filter(([name]) => name !== field));

test.each(["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"])(
  "an answer without %s makes no session",
  async (field) => {
    const { port } = answering(200, answer(without(field)));
    await expect(port.makeSession(request)).rejects.toMatchObject({ facts: { kind: "sessions-refused" } });
  },
);
