import { App } from "aws-cdk-lib";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../infra/config.ts";
import { PRICES, pricesIn } from "../../shared/prices.ts";

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

test("prices are JSON on the command line or an object in cdk.json, and what they leave out has its default", () => {
  const given = { spot: { gpuHour: 0.4 } };
  for (const prices of [given, JSON.stringify(given)]) {
    expect(pricesIn(read({ prices }).prices ?? "")).toEqual({
      spot: { gpuHour: 0.4, vcpuHour: PRICES.spot.vcpuHour },
      "on-demand": PRICES["on-demand"],
    });
  }
  expect(read({}).prices).toBeNull();
  expect(pricesIn("{}")).toEqual(PRICES);
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
    { teamRate: "0" },
    { maxOnDemandVcpus: "0" },
    { gpuFamilies: "g5,h100" },
    { cpuFamilies: "c7i.large" },
    { prices: "0.5" },
    { prices: '{"spot":{"gpuHour":-1}}' },
    { prices: '{"reserved":{"gpuHour":1}}' },
    { prices: "cheap" },
    { jobPolicies: "AmazonS3ReadOnlyAccess" },
    { jobPolicies: "arn:aws:iam::111122223333:role/hone-jobs" },
    { dataBuckets: "acme-images,s3://acme-labels" },
    { dataBuckets: "acme-images/train" },
    { teams: "acme" },
    { teams: '{"team":"acme"}' },
    { teams: [{ team: "Acme", account: "222233334444", organisation: "o-abcdefghij" }] },
    { teams: [{ team: "a".repeat(39), account: "222233334444", organisation: "o-abcdefghij" }] },
    { teams: [{ team: "acme", organisation: "o-abcdefghij" }] },
    { teams: [{ account: "222233334444", organisation: "o-abcdefghij" }] },
    { teams: [{ team: "acme", account: "22223333444", organisation: "o-abcdefghij" }] },
    { teams: [{ team: "acme", account: "222233334444", organisation: "*" }] },
    { teams: [{ team: "acme", account: "222233334444" }] },
    { teams: [{ team: "acme", account: "222233334444", role: "owner", organisation: "o-abcdefghij" }] },
  ])("%o", (context) => {
    expect(() => read(context)).toThrow(`Context ${Object.keys(context)[0]}=`);
  });
});

const acme = { team: "acme", account: "222233334444", externalId: "a-secret-of-acme" };

test("teams with an account are a list, or its JSON", () => {
  const vision = { team: "vision", account: "333344445555", organisation: "o-abcdefghij" };
  expect(read({}).teams).toEqual([]);
  expect(read({ teams: [acme, vision] }).teams).toEqual([acme, vision]);
  expect(read({ teams: JSON.stringify([acme]) }).teams).toEqual([acme]);
});

test("a team is named once and shows who it is in one way; no message repeats an ExternalId", () => {
  expect(() => read({ teams: [acme, acme] })).toThrow("teams=acme: expected each team once");
  const both = { ...acme, organisation: "o-abcdefghij" };
  expect(() => read({ teams: [both] })).toThrow(
    "teams=acme: expected either the field externalId or organisation",
  );
  const short = () => read({ teams: [{ ...acme, externalId: "too-short" }] });
  expect(short).toThrow("teams=acme: expected a field externalId of the form");
  expect(short).not.toThrow("too-short");
});
