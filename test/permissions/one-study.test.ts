import { describe, expect, test } from "vitest";
import { matchRoute } from "../../functions/api/router.ts";
import { gates, IAM_BASE_PATH, type Route, type RouteName, routes } from "../../shared/api/routes.ts";
import { NotFound } from "../../shared/errors.ts";
import { MAX_POLICY_CHARACTERS, sessionPolicy } from "../../shared/executor/session-policy.ts";
import { checkpointsOf } from "../../shared/study/checkpoint.ts";
import { ofType, synthesize } from "../infra/synthesize.ts";
import { assumes } from "./assume.ts";
import { ACCOUNT, Deployment, type Document, type Role } from "./deployment.ts";
import { judge } from "./judge.ts";

/**
 * What AWS allows the role of a team and the sessions of single studies, by evaluation of the synthesized policies and of the
 * policy that a session is made with: no emulator puts tags into resources.
 */

const HOME = "222233334444";
const EXTERNAL_ID = "a-secret-of-acme";
const context = {
  teams: JSON.stringify([
    { team: "acme", account: HOME, externalId: EXTERNAL_ID },
    { team: "vision", account: "333344445555", organisation: "o-abcdefghij" },
  ]),
};
const { core } = synthesize({ context });
const deployment = new Deployment(
  core,
  Object.fromEntries(Object.keys(core.Resources).map((id) => [id, id])),
);
const [[apiId = ""] = []] = ofType(core, "AWS::ApiGatewayV2::Api");
const [[bucket = ""] = []] = ofType(core, "AWS::S3::Bucket");
const stageArn = `arn:aws:execute-api:us-east-1:${ACCOUNT}:${apiId}/$default`;

type Tags = Readonly<Record<string, string>>;

/** A session of a role, as AWS knows it. */
interface Session {
  readonly role: Role;
  readonly tags: Tags;
  readonly policy?: Document;
}

const teamSession = (tags: Tags, team = "acme"): Session => ({ role: deployment.role(`Team${team}`), tags });
const madeSession = (study: string, tags: Tags = { team: "acme", study }): Session => {
  const prefix = checkpointsOf({ team: "acme", id: study });
  const text = sessionPolicy({ stageArn, tree: IAM_BASE_PATH, bucket, team: "acme", study, prefix });
  return { role: deployment.role("sessions"), tags, policy: JSON.parse(text) };
};

const may = async (
  { role, tags, policy }: Session,
  action: string,
  resource: string,
  more: Record<string, string> = {},
): Promise<boolean> => {
  const name = role.arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
  const principalTags = Object.entries(tags).map(([tag, value]) => [`aws:PrincipalTag/${tag}`, value]);
  const refusal = await judge({
    principal: `${name}/alice`,
    need: { action, resource },
    identityPolicies: role.policies,
    sessionPolicy: policy,
    context: { ...Object.fromEntries(principalTags), ...more },
  });
  if (refusal !== null && !/^(Implicitly|Explicitly)Denied$/.test(refusal)) throw new Error(refusal);
  return refusal === null;
};
const mayCall = (session: Session, method: string, path: string) =>
  may(session, "execute-api:Invoke", `${stageArn}/${method}${path}`);
const mayRead = (session: Session, key: string) =>
  may(session, "s3:GetObject", `arn:aws:s3:::${bucket}/${key}`);
const mayList = (session: Session, prefix: string) =>
  may(session, "s3:ListBucket", `arn:aws:s3:::${bucket}`, { "s3:prefix": prefix });

const table = Object.entries(routes) as [RouteName, Route][];
const pathOf = (route: Route, team: string, study: string, base: string = IAM_BASE_PATH) =>
  `${base}${route.path}`
    .replace("{team}", team)
    .replace("{study}", study)
    .replace(/\{\w+\}/g, "0");

const sessions: readonly [string, Session][] = [
  ["a session of the team's role", teamSession({ team: "acme", study: "svm-s1" })],
  ["a session that Hone made", madeSession("svm-s1")],
];

describe.each(sessions)("%s", (_, session) => {
  test("may call every route of its study, and no other route of the table", async () => {
    for (const [name, route] of table) {
      const isOfStudy = /^\/studies\/\{study\}(\/|$)/.test(route.path);
      const path = pathOf(route, "acme", "svm-s1");
      expect(await mayCall(session, route.method, path), name).toBe(isOfStudy);
    }
  });

  test.each([
    ["another study", "acme", "svm-s2"],
    ["a study whose name goes on", "acme", "svm-s1x"],
    ["a study whose name ends sooner", "acme", "svm-s"],
    ["a study of another team", "other", "svm-s1"],
    ["a team whose name goes on", "acmex", "svm-s1"],
  ])("may call no route of %s", async (__, team, study) => {
    for (const [name, route] of table) {
      if (!route.path.includes("{study}")) continue;
      expect(await mayCall(session, route.method, pathOf(route, team, study)), name).toBe(false);
    }
  });

  test("may not call the tree of bearer tokens", async () => {
    for (const [name, route] of table) {
      const path = pathOf(route, "acme", "svm-s1", gates.bearer);
      expect(await mayCall(session, route.method, path), name).toBe(false);
    }
  });

  test.each([
    "/iam/v1/teams/acme/studies/svm-s1/../svm-s2/ask",
    "/iam/v1/teams/acme/studies/svm-s1%2F..%2Fsvm-s2/ask",
    "/iam/v1/teams/acme/studies/%2A",
    "/iam/v1/teams/acme/studies/svm-s1/iam/v1/teams/acme/studies/svm-s2",
    "/iam/v1/teams/acme/studies/svm-s2/iam/v1/teams/acme/studies/svm-s1/ask",
    "/iam/v1/teams/other/studies/iam/v1/teams/acme/studies/svm-s1/ask",
    "/iam/v1/teams/acme/studies/",
    "/iam/v1/teams/acme/studies//svm-s1",
    "/iam/v1/teams/acme/studies/SVM-S1",
    "/iam/v1/teams/acme/studies/svm-s1/",
  ])("the path %s leads to no other study, whatever the policy says", async (path) => {
    for (const sent of [path, decodeURIComponent(path)]) {
      if (!(await mayCall(session, "POST", sent))) continue;
      // What a wildcard of the policy lets through matches no route.
      expect(() => matchRoute("POST", sent)).toThrow(NotFound);
    }
  });

  test("reads and lists the objects of its study and no others, and changes none", async () => {
    const own = "checkpoints/acme/svm-s1/0/1-1764158400000-0123456789abcdef";
    expect(await mayRead(session, own)).toBe(true);
    for (const key of [
      own.replace("svm-s1", "svm-s1x"),
      own.replace("svm-s1", "svm-s2"),
      own.replace("acme", "other"),
      own.replace("checkpoints/", ""),
      "checkpoints/acme/svm-s1",
    ]) {
      expect(await mayRead(session, key), key).toBe(false);
    }
    expect(await mayList(session, "checkpoints/acme/svm-s1/")).toBe(true);
    for (const prefix of [
      "",
      "checkpoints/",
      "checkpoints/acme/",
      "checkpoints/acme/svm-s1",
      "checkpoints/acme/svm-s2/",
    ]) {
      expect(await mayList(session, prefix), prefix).toBe(false);
    }
    for (const action of ["s3:PutObject", "s3:DeleteObject"]) {
      expect(await may(session, action, `arn:aws:s3:::${bucket}/${own}`), action).toBe(false);
    }
  });
});

const path = "/iam/v1/teams/acme/studies/svm-s1/ask";

test.each<[string, Tags]>([
  ["none", {}],
  ["only the team", { team: "acme" }],
  ["only the study", { study: "svm-s1" }],
  ["another team", { team: "other", study: "svm-s1" }],
  ["another study", { team: "acme", study: "svm-s2" }],
  ["a star for the study", { team: "acme", study: "*" }],
  ["a star at the end", { team: "acme", study: "svm-*" }],
  ["a star for the team", { team: "*", study: "svm-s1" }],
  ["a question mark", { team: "acme", study: "svm-s?" }],
  ["an empty study", { team: "acme", study: "" }],
])("with these tags neither role opens the study: %s", async (_, tags) => {
  for (const session of [teamSession(tags), madeSession("svm-s1", tags)]) {
    expect(await mayCall(session, "POST", path)).toBe(false);
    expect(await mayRead(session, "checkpoints/acme/svm-s1/0/1")).toBe(false);
  }
});

test("the role of one team opens nothing of another, even if its sessions had the other's tags", async () => {
  const session = teamSession({ team: "acme", study: "svm-s1" }, "vision");
  expect(await mayCall(session, "POST", path)).toBe(false);
  expect(await mayRead(session, "checkpoints/acme/svm-s1/0/1")).toBe(false);
});

test("a session's tags and its policy each hold by themselves", async () => {
  const elsewhere = madeSession("svm-s1", { team: "acme", study: "svm-s2" });
  expect(await mayCall(elsewhere, "POST", path)).toBe(false);
  expect(await mayCall(elsewhere, "POST", path.replace("s1", "s2"))).toBe(false);
});

test("the longest policy of a session is one that STS takes", () => {
  const [team, study] = ["t".repeat(63), "s".repeat(63)];
  const policy = sessionPolicy({
    stageArn: `arn:aws-us-gov:execute-api:ap-southeast-1:${ACCOUNT}:${"a".repeat(10)}/$default`,
    tree: IAM_BASE_PATH,
    bucket: "b".repeat(63),
    prefix: checkpointsOf({ team, id: study }),
    team,
    study,
  });
  expect(policy.length).toBeLessThan(MAX_POLICY_CHARACTERS);
});

describe("who may assume the role of a team", () => {
  const role = deployment.role("Teamacme");
  const good = {
    "aws:RequestTag/team": "acme",
    "aws:RequestTag/study": "svm-s1",
    "sts:ExternalId": EXTERNAL_ID,
  };

  /** A member to whom the own account allows everything. */
  const memberOf = (account: string) => ({
    account,
    identityPolicies: [
      { Statement: [{ Effect: "Allow", Action: ["sts:AssumeRole", "sts:TagSession"], Resource: "*" }] },
    ],
  });
  const without = (key: string) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key));

  test("its account, with the ExternalId, the team's tag and any study", async () => {
    expect(await assumes(role, memberOf(HOME), good)).toBe(true);
  });

  test.each<[string, string, Record<string, string>]>([
    ["another account", "999999999999", good],
    ["a wrong ExternalId", HOME, { ...good, "sts:ExternalId": "a-secret-of-others" }],
    ["no ExternalId", HOME, without("sts:ExternalId")],
    ["another team", HOME, { ...good, "aws:RequestTag/team": "vision" }],
    ["no team", HOME, without("aws:RequestTag/team")],
    ["no study", HOME, without("aws:RequestTag/study")],
    ["no tags", HOME, { "sts:ExternalId": EXTERNAL_ID }],
    ["a tag more", HOME, { ...good, "aws:RequestTag/role": "owner" }],
    ["an empty study", HOME, { ...good, "aws:RequestTag/study": "" }],
    ["a star", HOME, { ...good, "aws:RequestTag/study": "*" }],
    ["a star within", HOME, { ...good, "aws:RequestTag/study": "svm-*" }],
    ["a question mark", HOME, { ...good, "aws:RequestTag/study": "svm-s?" }],
    ["a slash", HOME, { ...good, "aws:RequestTag/study": "svm-s1/trials" }],
  ])("not with %s", async (_, account, request) => {
    expect(await assumes(role, memberOf(account), request)).toBe(false);
  });

  test("with an organisation instead: the account must belong to it", async () => {
    const request = { "aws:RequestTag/team": "vision", "aws:RequestTag/study": "svm-s1" };
    const vision = deployment.role("Teamvision");
    const from = (organisation: string) =>
      assumes(vision, memberOf("333344445555"), request, { "aws:PrincipalOrgID": organisation });
    expect(await from("o-abcdefghij")).toBe(true);
    expect(await from("o-zzzzzzzzzz")).toBe(false);
    expect(await assumes(vision, memberOf("333344445555"), request)).toBe(false);
  });

  test("the role of sessions: the api Lambda alone, with both tags", async () => {
    const made = deployment.role("sessions");
    const asks = async (principal: string, tags: Tags) => {
      const keys = {
        ...Object.fromEntries(Object.entries(tags).map(([tag, value]) => [`aws:RequestTag/${tag}`, value])),
        "aws:TagKeys": Object.keys(tags),
      };
      const ask = (action: string) =>
        judge({
          principal,
          need: { action, resource: made.arn },
          identityPolicies: deployment.role("api").policies,
          resourcePolicy: made.trust,
          context: keys,
        });
      return (await ask("sts:AssumeRole")) === null && (await ask("sts:TagSession")) === null;
    };
    const api = deployment.role("api").arn;
    expect(await asks(api, { team: "acme", study: "svm-s1" })).toBe(true);
    expect(await asks(deployment.role("rounds").arn, { team: "acme", study: "svm-s1" })).toBe(false);
    expect(await asks(`arn:aws:iam::${ACCOUNT}:role/somebody`, { team: "acme", study: "svm-s1" })).toBe(
      false,
    );
    const wrong: Tags[] = [{ team: "acme" }, { study: "svm-s1" }, { team: "acme", study: "*" }];
    for (const tags of [...wrong, { team: "*", study: "svm-s1" }]) {
      expect(await asks(api, tags)).toBe(false);
    }
    expect(await asks(api, { team: "acme", study: "svm-s1", admin: "yes" })).toBe(false);
  });
});
