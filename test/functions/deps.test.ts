import type { Context } from "aws-lambda";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { environment, NO_QUEUE } from "../../shared/deployment.ts";
import { MACHINES } from "../../shared/ports.ts";
import { createTeam } from "../../shared/service/access/teams.ts";
import { createToken } from "../../shared/service/access/tokens.ts";
import { awsEnvironment } from "../support/cli.ts";
import { createTestTable, emulatorClient } from "../support/emulator.ts";
import { authorizerEvent, eventOf } from "../support/gateway.ts";
import { noReceipt, studyBody, TEAM, testDeps } from "../support/service.ts";

/** The Lambdas as they are deployed: their exported handlers, with only environment variables. */
const variables: Record<string, string> = {
  ...awsEnvironment(emulatorClient().endpoint),
  [environment.queue]: "http://127.0.0.1/queue",
  [environment.api]: "http://127.0.0.1/v1",
  [environment.gpuJobQueue]: "hone-gpu",
  [environment.cpuJobQueue]: "hone-cpu",
  [environment.onDemandGpuJobQueue]: NO_QUEUE,
  [environment.onDemandCpuJobQueue]: NO_QUEUE,
  [environment.prices]: "{}",
  [environment.teamRate]: "500",
  [environment.jobDefinition]: "hone-trial",
  [environment.images]: "*",
  ...Object.fromEntries(
    MACHINES.map((name) => [
      environment[name],
      `arn:aws:states:us-east-1:000000000000:stateMachine:hone-${name}`,
    ]),
  ),
  [environment.auditDays]: "400",
  [environment.sweepFunction]: "arn:aws:lambda:us-east-1:000000000000:function:hone-sweep",
  [environment.failedFirings]: "arn:aws:sqs:us-east-1:000000000000:failed-firings",
  [environment.scheduleGroup]: "hone-sweeps",
  [environment.firingRole]: "arn:aws:iam::000000000000:role/hone-sweeps-firing",
  [environment.bucket]: "hone-bucket",
  [environment.bucketUrl]: "http://127.0.0.1/hone-bucket",
  [environment.stageArn]: "arn:aws:execute-api:us-east-1:000000000000:api1/$default",
  [environment.sessionsRole]: "arn:aws:iam::000000000000:role/hone-sessions",
  [environment.teamRoles]: "arn:aws:iam::000000000000:role/hone-team-",
};
let token: string;

beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  variables[environment.table] = tableName;
  const deps = testDeps(client, tableName);
  await createTeam(deps, TEAM);
  token = (await createToken(deps, TEAM, { name: "test", role: "editor" }, "admin", noReceipt)).token;
});

afterEach(() => void vi.unstubAllEnvs());

beforeEach(() => {
  vi.resetModules();
  vi.spyOn(console, "log").mockImplementation(() => {});
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
});

test("the deployed authorizer and API serve a request", async () => {
  const authorizer = await import("../../functions/authorizer/index.ts");
  const api = await import("../../functions/api/index.ts");
  const path = `/v1/teams/${TEAM}/studies`;
  const { context } = await authorizer.handler(authorizerEvent("POST", path, token));
  const event = eventOf("POST", path, { body: studyBody() }, context as { caller: string });
  const reply = await api.handler(event, { getRemainingTimeInMillis: () => 25_000 } as Context);
  expect(reply.statusCode).toBe(201);
  expect(JSON.parse(reply.body ?? "")).toMatchObject({ team: TEAM, name: "svm-digits" });
});

test("the authorizer needs the table's name and nothing else", async () => {
  for (const name of Object.values(environment)) if (name !== environment.table) vi.stubEnv(name, "");
  const { handler } = await import("../../functions/authorizer/index.ts");
  const { policyDocument } = await handler(authorizerEvent("GET", `/v1/teams/${TEAM}/studies`, token));
  expect(policyDocument.Statement[0]?.Effect).toBe("Allow");
});

test("a missing environment variable is an internal error that names it only in the log", async () => {
  vi.stubEnv(environment.table, "");
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: unknown) => void lines.push(String(line)));
  const { handler } = await import("../../functions/api/index.ts");
  const caller = JSON.stringify({
    kind: "token",
    team: TEAM,
    id: "abcdefghijkl",
    role: "viewer",
    study: null,
  });
  const event = eventOf("GET", `/v1/teams/${TEAM}/studies`, {}, { caller });
  const reply = await handler(event, { getRemainingTimeInMillis: () => 25_000 } as Context);
  expect(reply.statusCode).toBe(500);
  expect(reply.body).not.toContain(environment.table);
  expect(lines.join()).toContain(`The environment lacks ${environment.table}.`);
});
