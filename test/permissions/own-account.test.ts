import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ofType, synthesize, type Template } from "../infra/synthesize.ts";
import { assumes } from "./assume.ts";
import { ACCOUNT, Deployment, type Document } from "./deployment.ts";

/**
 * The template that a team deploys in its own account, against the role that Hone's stack makes for the team: AWS lets a member assume the role
 * only where the policy of the one and the trust of the other both allow it, and what both allow is evaluated here.
 */

const HOME = "222233334444";
const EXTERNAL_ID = "a-secret-of-acme";
const { core } = synthesize({
  context: {
    teams: JSON.stringify([
      { team: "acme", account: HOME, externalId: EXTERNAL_ID },
      { team: "vision", account: HOME, externalId: "a-secret-of-vision" },
      { team: "speech", account: HOME, organisation: "o-abcdefghij" },
    ]),
  },
});
/** Resources are called as the templates say; those that CloudFormation would name have their logical ids. */
const named = ({ Resources }: Template): Record<string, string> =>
  Object.fromEntries(
    Object.entries(Resources).map(([id, { Properties }]) => [
      id,
      typeof Properties?.RoleName === "string" ? Properties.RoleName : id,
    ]),
  );
const hone = new Deployment(core, named(core));
const roleOf = (team: string) => hone.role(`Team${team}`);

const template = parse(
  readFileSync(new URL("../../infra/teams/own-account.yaml", import.meta.url), "utf8"),
) as Template & { readonly Parameters: Record<string, { readonly Default?: string }> };

/** A member who has the policy of the deployed template, and nothing else. */
const member = (parameters: Readonly<Record<string, string>> = {}) => {
  const defaults = Object.entries(template.Parameters).flatMap(([name, { Default }]) =>
    Default === undefined ? [] : [[name, Default]],
  );
  const given = { ...Object.fromEntries(defaults), Team: "acme", HoneAccount: ACCOUNT, ...parameters };
  const home = new Deployment(template, { ...named(template), ...given });
  const policies = home.ofType<{ PolicyDocument: Document }>("AWS::IAM::ManagedPolicy");
  return { account: HOME, identityPolicies: policies.map(([, { PolicyDocument }]) => PolicyDocument) };
};

const good = {
  "aws:RequestTag/team": "acme",
  "aws:RequestTag/study": "svm-s1",
  "sts:ExternalId": EXTERNAL_ID,
};
const without = (key: string) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));

test("a member may assume the team's role for a study, with the ExternalId, or out of the organisation", async () => {
  expect(await assumes(roleOf("acme"), member(), good)).toBe(true);
  const tags = { "aws:RequestTag/team": "speech", "aws:RequestTag/study": "asr-s1" };
  const from = (organisation: string) =>
    assumes(roleOf("speech"), member({ Team: "speech" }), tags, { "aws:PrincipalOrgID": organisation });
  expect(await from("o-abcdefghij")).toBe(true);
  expect(await from("o-zzzzzzzzzz")).toBe(false);
});

describe("a member may not assume it with", () => {
  test.each<[string, Record<string, string>]>([
    ["a wrong ExternalId", { ...good, "sts:ExternalId": "a-secret-of-others" }],
    ["no ExternalId", without("sts:ExternalId")],
    ["the tag of another team", { ...good, "aws:RequestTag/team": "vision" }],
    ["no team", without("aws:RequestTag/team")],
    ["no study", without("aws:RequestTag/study")],
    ["no tags", { "sts:ExternalId": EXTERNAL_ID }],
    ["a third tag", { ...good, "aws:RequestTag/role": "owner" }],
    ["a star for the study", { ...good, "aws:RequestTag/study": "*" }],
  ])("%s", async (_, request) => {
    expect(await assumes(roleOf("acme"), member(), request)).toBe(false);
  });
});

/** A role that would trust anyone: so only the policy of the template decides. */
const open = (team: string) => ({
  ...roleOf(team),
  trust: {
    Statement: [
      {
        Effect: "Allow",
        Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        Principal: { AWS: `arn:aws:iam::${HOME}:root` },
      },
    ],
  },
});

test("the policy of the template by itself allows the two tags, this team's role, and no other", async () => {
  expect(await assumes(open("acme"), member(), good)).toBe(true);
  expect(await assumes(open("vision"), member(), good)).toBe(false);
  expect(await assumes(open("acme"), member({ HoneAccount: "999999999999" }), good)).toBe(false);
  expect(await assumes(open("acme"), member({ Deployment: "hone-blue" }), good)).toBe(false);
  for (const request of [
    { ...good, "aws:RequestTag/role": "owner" },
    { ...good, "aws:RequestTag/team": "vision" },
    without("aws:RequestTag/team"),
    without("aws:RequestTag/study"),
  ]) {
    expect(await assumes(open("acme"), member(), request), JSON.stringify(request)).toBe(false);
  }
});

test("the trust of Hone's role by itself refuses another account, whatever that allows", async () => {
  const stranger = { ...member(), account: "999999999999" };
  expect(await assumes(roleOf("acme"), stranger, good)).toBe(false);
});

test("the team's account may keep its members to some studies", async () => {
  const some = member({ Studies: "svm-*" });
  expect(await assumes(roleOf("acme"), some, good)).toBe(true);
  expect(await assumes(roleOf("acme"), some, { ...good, "aws:RequestTag/study": "forest-s1" })).toBe(false);
});

test("its role is for those of its own account, and has this policy alone", () => {
  const [[, role] = []] = ofType(template, "AWS::IAM::Role");
  expect(role?.Properties.ManagedPolicyArns).toEqual([{ Ref: "Policy" }]);
  const trust = new Deployment(template, named(template)).role("Role").trust;
  expect(trust.Statement).toEqual([
    {
      Effect: "Allow",
      Action: ["sts:AssumeRole", "sts:SetSourceIdentity"],
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
    },
  ]);
});

test("it asks for the names that Hone itself takes", () => {
  const pattern = (name: string) =>
    new RegExp(`^(?:${(template.Parameters[name] as { AllowedPattern?: string }).AllowedPattern})$`);
  expect(pattern("Team").test("acme-2")).toBe(true);
  expect(pattern("Team").test("ACME")).toBe(false);
  expect(pattern("Deployment").test("hone-blue")).toBe(true);
  expect(pattern("HoneAccount").test(ACCOUNT)).toBe(true);
});
