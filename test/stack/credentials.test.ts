import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { executeApiUrl } from "../../local/deploy.ts";
import type { Credentials } from "../../shared/schemas/credentials.ts";
import type { Study } from "../../shared/schemas/study.ts";
import { client } from "../support/http.ts";
import { studyBody } from "../support/service.ts";

/**
 * Sessions of one study, signed by botocore. The emulator checks the signature and the policy that the session was made with; what it
 * does not know, tags in the role's own policy, is evaluated in test/permissions/one-study.test.ts.
 */

const stack = inject("stack");
const call = client(stack);
const run = promisify(execFile);

const create = async (): Promise<string> => {
  const body = studyBody({
    space: { x: { type: "float", low: -10, high: 10 } },
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: "gp", seed: 1 },
    budget: { trials: 12 },
  });
  return (await call<Study>("POST", "/studies", body)).body.study;
};

/** The emulator checks the host that was signed, so the request goes to itself and not through the local URL of the API. */
const api = `${executeApiUrl(stack.endpoint, stack.outputs.apiUrl ?? "")}/iam/v1`;

const signed = ({ accessKeyId, secretAccessKey, sessionToken, region }: Credentials, study: string) =>
  run(".venv/bin/python", ["examples/signed.py", study], {
    env: {
      PATH: process.env.PATH,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_REGION: region,
      HONE_IAM_API: api,
      HONE_TEAM: stack.team,
    },
  });

test("a session of one study runs it with signed requests, and reaches no other", async () => {
  const [study, other] = [await create(), await create()];
  const made = await call<Credentials>("POST", `/studies/${study}/credentials`, { seconds: 900 });
  expect(made.status).toBe(201);
  expect(Date.parse(made.body.expires)).toBeGreaterThan(Date.now());
  const { stdout } = await signed(made.body, study);
  const [best] = JSON.parse(stdout);
  expect(Math.abs(best.params.x - 3)).toBeLessThan(1);
  await expect(signed(made.body, other)).rejects.toThrow(": 403 ");
  const { body } = await call<Study>("GET", `/studies/${study}`);
  expect(body.trials).toMatchObject({ completed: 12 });
});

test("a token that may not change a study gets no credentials of it", async () => {
  const study = await create();
  const viewer = await call<{ token: string }>("POST", "/tokens", { name: "looks", role: "viewer" });
  const asViewer = client({ ...stack, token: viewer.body.token });
  const { status, body } = await asViewer("POST", `/studies/${study}/credentials`, {});
  expect({ status, type: body.type }).toEqual({ status: 403, type: "forbidden" });
});
