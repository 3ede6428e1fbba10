import { expect, test } from "vitest";
import type { Params } from "../../shared/values.ts";
import { type JobOptions, python, runJob, serve } from "./driver.ts";
import { BOOTSTRAP, claimed, type Script, TRIAL_TOKEN } from "./service.ts";

const showEnvironment = python("import json, os; print(json.dumps(dict(os.environ)))");
const showArguments = python("import json, sys; print(json.dumps(sys.argv[1:]))");

/** The environment that the program sees, printed as JSON. */
const seen = async (params: Params, command: readonly string[], job?: JobOptions, script?: Script) => {
  const service = await serve(script, params);
  const { stdout, stderr } = await runJob(service, command, job);
  return { ...JSON.parse(stdout.toString()), stderr, api: service.api };
};

const having = (resource: number | null, checkpoint: string | null): Script => ({
  claim: () => ({ body: claimed({ resource, checkpoint }) }),
});

test("the program sees its trial, and the trial's token in place of the bootstrap token", async () => {
  const params = { C: 1.5, kernel: "rbf" };
  const env = { HONE_CHECKPOINT_OUT: "s3://b/out", OWN: "kept" };
  const { api, ...environment } = await seen(params, showEnvironment, { env });
  expect(environment).toMatchObject({
    HONE_API: api,
    HONE_TEAM: "acme",
    HONE_STUDY: "svm-digits",
    HONE_TRIAL: "7",
    HONE_ATTEMPT: "2",
    HONE_TOKEN: TRIAL_TOKEN,
    HONE_PARAM_C: "1.5",
    HONE_PARAM_KERNEL: "rbf",
    HONE_CHECKPOINT_OUT: "s3://b/out",
    OWN: "kept",
    PYTHONUNBUFFERED: "1",
  });
  expect(JSON.parse(environment.HONE_PARAMS)).toEqual(params);
  expect(JSON.stringify(environment)).not.toContain(BOOTSTRAP);
});

test("resource and checkpoint are set when the trial has them", async () => {
  const environment = await seen({}, showEnvironment, {}, having(27, "s3://b/in"));
  expect(environment).toMatchObject({ HONE_RESOURCE: "27", HONE_CHECKPOINT_IN: "s3://b/in" });
});

const leasing = (fields: object): Script => ({ claim: () => ({ body: claimed(fields) }) });

test("a segment of a longer run sees what it goes on from, and from where", async () => {
  const fields = { parent: 4, resumesAt: 10, resource: 15 };
  expect(await seen({}, showEnvironment, {}, leasing(fields))).toMatchObject({
    HONE_PARENT: "4",
    HONE_RESUMES_AT: "10",
    HONE_RESOURCE: "15",
  });
  const first = await seen({}, showEnvironment, {}, leasing({ ...fields, parent: null, resumesAt: 0 }));
  expect(first).toMatchObject({ HONE_RESUMES_AT: "0" });
  expect(first).not.toHaveProperty("HONE_PARENT");
});

test("what the trial does not have is not set, even if the job's environment has it", async () => {
  const env = {
    HONE_RESOURCE: "9",
    HONE_CHECKPOINT_IN: "s3://old",
    HONE_PARAM_MOMENTUM: "0.9",
    HONE_PARENT: "3",
    HONE_RESUMES_AT: "5",
    HONE_SPLIT: "{}",
    HONE_SEED: "1",
  };
  const environment = await seen({}, showEnvironment, { env }, having(null, null));
  for (const name of Object.keys(env)) expect(environment).not.toHaveProperty(name);
});

test("a variable holds a string unchanged, and any other value as JSON", async () => {
  const params = { a: "x y", b: true, c: null, d: 1e-7, e: -3, f: "é\n'$(x)\"", g: 1e21 };
  const environment = await seen(params, showEnvironment);
  expect(environment).toMatchObject({
    HONE_PARAM_A: "x y",
    HONE_PARAM_B: "true",
    HONE_PARAM_C: "null",
    HONE_PARAM_D: "1e-07",
    HONE_PARAM_E: "-3",
    HONE_PARAM_F: "é\n'$(x)\"",
    HONE_PARAM_G: "1e+21",
  });
});

test("characters that a variable's name cannot have become underscores", async () => {
  const params = { "net.0-size": 3, "1st": 4, _x: 5 };
  const environment = await seen(params, showEnvironment);
  expect(environment).toMatchObject({ HONE_PARAM_NET_0_SIZE: "3", HONE_PARAM_1ST: "4", HONE_PARAM__X: "5" });
});

test("parameters that would share a variable, and values that no variable can hold, are only in HONE_PARAMS", async () => {
  const params = { C: 1, c: 2, "a-b": 3, "a.b": 4, A_B: 5, nul: "x\0y", lone: "\ud800", fine: 6 };
  const environment = await seen(params, showEnvironment);
  expect(Object.keys(environment).filter((name) => name.startsWith("HONE_PARAM_"))).toEqual([
    "HONE_PARAM_FINE",
  ]);
  expect(JSON.parse(environment.HONE_PARAMS)).toEqual(params);
  expect(environment.stderr).toContain("HONE_PARAM_C");
});

test("{name} in the command is replaced by the parameter's value, as one argument and without a shell", async () => {
  const service = await serve({}, { lr: 0.001, opt: "sgd; rm -rf $HOME", "a.b": true });
  const command = [
    "--lr",
    "{lr}",
    "--opt={opt}",
    "{a.b}{lr}",
    "{momentum}",
    "{}",
    '{"lr": 1}',
    "{ lr }",
    "{{lr}}",
    "{{x}}",
  ];
  const { stdout } = await runJob(service, [...showArguments, ...command]);
  expect(JSON.parse(stdout.toString())).toEqual([
    "--lr",
    "0.001",
    "--opt=sgd; rm -rf $HOME",
    "true0.001",
    "{momentum}",
    "{}",
    '{"lr": 1}',
    "{ lr }",
    "{lr}",
    "{{x}}",
  ]);
});

test("braces in a value are not replaced again", async () => {
  const service = await serve({}, { a: "{b}", b: "{a}" });
  const { stdout } = await runJob(service, [...showArguments, "{a}{b}"]);
  expect(JSON.parse(stdout.toString())).toEqual(["{b}{a}"]);
});

test("a value that no argument can hold fails the trial with a reason", async () => {
  const service = await serve({}, { nul: "x\0y" });
  const { code } = await runJob(service, [...showArguments, "{nul}"]);
  expect(code).toBe(0);
  expect(service.of("tell")[0]?.body.failed.reason).toContain("could not be started");
});
