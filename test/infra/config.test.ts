import { App } from "aws-cdk-lib";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../infra/config.ts";

const read = (context: Record<string, unknown>) => readConfig(new App({ context }).node);

test("without context the environment is production, which keeps its data", () => {
  expect(read({})).toMatchObject({
    env: "prod",
    local: false,
    ephemeral: false,
    name: null,
    alarmEmail: null,
  });
});

test("in the emulator the reconciler runs every minute and any image is allowed", () => {
  const config = read({ env: "local" });
  expect(config).toMatchObject({ local: true, ephemeral: true, images: ["*"] });
  expect(config.reconcileEvery.toMinutes()).toBe(1);
});

test("options may be strings, as on the command line, or values, as in cdk.json", () => {
  expect(read({ maxGpuVcpus: "8", ephemeral: "true" })).toMatchObject({
    ephemeral: true,
    maxVcpus: { gpu: 8 },
  });
  expect(read({ maxGpuVcpus: 8, ephemeral: true })).toMatchObject({ ephemeral: true, maxVcpus: { gpu: 8 } });
});

describe("an invalid value is refused with the name of its key", () => {
  test.each([
    { env: "production" },
    { name: "Blue" },
    { ephemeral: "yes" },
    { reconcileMinutes: "0" },
    { maxGpuVcpus: "-1" },
    { maxCpuVcpus: "many" },
    { zones: "0" },
    { authorizerConcurrency: "0" },
    { apiUrl: "https://example.org" },
    { batchUrl: "127.0.0.1:4000" },
    { alarmEmail: "nobody" },
    { jobPolicies: "AmazonS3ReadOnlyAccess" },
    { jobPolicies: "arn:aws:iam::111122223333:role/hone-jobs" },
    { dataBuckets: "acme-images,s3://acme-labels" },
    { dataBuckets: "acme-images/train" },
  ])("%o", (context) => {
    expect(() => read(context)).toThrow(`Context ${Object.keys(context)[0]}=`);
  });
});
