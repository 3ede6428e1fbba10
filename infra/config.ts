import { Duration } from "aws-cdk-lib";
import { InstanceClass } from "aws-cdk-lib/aws-ec2";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Node } from "constructs";
import { AUDIT_DAYS } from "../shared/deployment.ts";
import { GivenPrices } from "../shared/prices.ts";
import { readTeams, type TeamAccount } from "./teams/team-account.ts";

/** The settings of a deployment. Each can be set by context: `cdk deploy -c env=dev -c maxGpuVcpus=64`. */
export interface Config {
  readonly env: Environment;
  /** Suffix of the names of stacks and resources, for a second deployment in the same account and Region. */
  readonly name: string | null;
  /** For the emulator, which has no Batch and refuses events whose source is `aws.batch`. */
  readonly local: boolean;
  /** Deleting the stack deletes table and bucket; otherwise they are kept. */
  readonly ephemeral: boolean;
  /** Base URL of the API up to and including `/v1`, if a custom domain or a proxy is in front of it. */
  readonly apiUrl: string | null;
  /** Endpoint of Batch for Lambdas, if it is not AWS's: the local Batch, for emulators without Batch. */
  readonly batchUrl: string | null;
  /** Browser origins that may call the API. */
  readonly origins: readonly string[];
  /** Prefixes of images that studies may use; if empty, `hone/` in the account's own registry in this Region. */
  readonly images: readonly string[];
  readonly alarmEmail: string | null;
  readonly reconcileEvery: Duration;
  readonly logRetention: RetentionDays;
  /** Days that a line of a team's audit trail is kept. */
  readonly auditDays: number;
  /** Limits of the API's stage: requests per second, and burst. */
  readonly throttle: { readonly rate: number; readonly burst: number };
  /** Requests per second that a team may make, over ten seconds. */
  readonly teamRate: number;
  /** Concurrent calls that the authorizer has for itself, out of the account's quota; null shares it with all other Lambdas. */
  readonly authorizerConcurrency: number | null;
  /** Limit of each Batch compute environment, which limits the cost of a runaway study. */
  readonly maxVcpus: { readonly gpu: number; readonly cpu: number };
  /** Limits of the compute environments of on-demand instances; null where the deployment has none. */
  readonly maxOnDemandVcpus: number | null;
  /** Families of instances: those that a Region lacks make the environment invalid. */
  readonly families: { readonly gpu: readonly InstanceClass[]; readonly cpu: readonly InstanceClass[] };
  /** What machines cost, as JSON; null for the defaults. */
  readonly prices: string | null;
  /** ARNs of managed policies for the role of jobs, which has no permissions of its own. */
  readonly jobPolicies: readonly string[];
  /** Names of buckets that jobs may list and read. */
  readonly dataBuckets: readonly string[];
  /** The teams that have an AWS account of their own. */
  readonly teams: readonly TeamAccount[];
  /** Availability Zones that jobs may run in: more zones, more Spot capacity. */
  readonly zones: number;
}

const environments = ["prod", "dev", "local"] as const;
export type Environment = (typeof environments)[number];

const defaults = {
  prod: {
    ephemeral: false,
    teamRate: 500,
    reconcileMinutes: 5,
    logRetention: RetentionDays.THREE_MONTHS,
    maxVcpus: 256,
  },
  dev: {
    ephemeral: true,
    teamRate: 500,
    reconcileMinutes: 5,
    logRetention: RetentionDays.ONE_WEEK,
    maxVcpus: 32,
  },
  local: {
    ephemeral: true,
    teamRate: 10_000,
    reconcileMinutes: 1,
    logRetention: RetentionDays.ONE_DAY,
    maxVcpus: 0,
  },
} as const satisfies Record<Environment, unknown>;

/**
 * Reads the context of the app; `infra/README.md` lists the keys.
 * @throws Error that names the key of an invalid value, so that nothing is deployed with a wrong option.
 */
export const readConfig = (node: Node): Config => {
  const env = oneOf(node, "env", environments, "prod");
  const base = defaults[env];
  return {
    env,
    name: matching(node, "name", /^[a-z][a-z0-9-]{0,15}$/),
    local: env === "local",
    ephemeral: flag(node, "ephemeral", base.ephemeral),
    apiUrl: matching(node, "apiUrl", /^https?:\/\/\S+\/v1$/),
    batchUrl: matching(node, "batchUrl", /^https?:\/\/\S+$/),
    origins: list(node, "origins"),
    images: env === "local" ? ["*"] : list(node, "images"),
    alarmEmail: matching(node, "alarmEmail", /^\S+@\S+$/),
    reconcileEvery: Duration.minutes(whole(node, "reconcileMinutes", base.reconcileMinutes, 1)),
    logRetention: base.logRetention,
    auditDays: whole(node, "auditDays", AUDIT_DAYS, 1),
    throttle: { rate: whole(node, "throttleRate", 1000, 1), burst: whole(node, "throttleBurst", 500, 1) },
    teamRate: whole(node, "teamRate", base.teamRate, 1),
    authorizerConcurrency:
      text(node, "authorizerConcurrency") === null ? null : whole(node, "authorizerConcurrency", 0, 1),
    maxVcpus: {
      gpu: whole(node, "maxGpuVcpus", base.maxVcpus, 0),
      cpu: whole(node, "maxCpuVcpus", base.maxVcpus, 0),
    },
    maxOnDemandVcpus: text(node, "maxOnDemandVcpus") === null ? null : whole(node, "maxOnDemandVcpus", 0, 1),
    families: {
      gpu: families(node, "gpuFamilies", [InstanceClass.G4DN, InstanceClass.G5, InstanceClass.G6]),
      cpu: families(node, "cpuFamilies", [
        InstanceClass.C6I,
        InstanceClass.C7I,
        InstanceClass.M6I,
        InstanceClass.M7I,
        InstanceClass.R6I,
        InstanceClass.R7I,
      ]),
    },
    prices: prices(node),
    jobPolicies: listOf(node, "jobPolicies", /^arn:[a-z-]+:iam::(aws|\d{12}):policy\/\S+$/),
    dataBuckets: listOf(node, "dataBuckets", /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    teams: readTeams(node.tryGetContext("teams")),
    zones: whole(node, "zones", 2, 1),
  };
};

const text = (node: Node, key: string): string | null => {
  const value: unknown = node.tryGetContext(key);
  return value === undefined || value === null || value === "" ? null : String(value);
};

const refuse = (key: string, value: string, wanted: string): never => {
  throw new Error(`Context ${key}=${value}: expected ${wanted}.`);
};

const matching = (node: Node, key: string, form: RegExp): string | null => {
  const value = text(node, key);
  return value === null || form.test(value) ? value : refuse(key, value, `the form ${form.source}`);
};

const oneOf = <T extends string>(node: Node, key: string, values: readonly T[], otherwise: T): T => {
  const value = text(node, key) ?? otherwise;
  return values.find((candidate) => candidate === value) ?? refuse(key, value, values.join(" | "));
};

const flag = (node: Node, key: string, otherwise: boolean): boolean =>
  oneOf(node, key, ["true", "false"], otherwise ? "true" : "false") === "true";

const whole = (node: Node, key: string, otherwise: number, least: number): number => {
  const value = text(node, key);
  if (value === null) return otherwise;
  return /^\d{1,9}$/.test(value) && Number(value) >= least
    ? Number(value)
    : refuse(key, value, `a whole number from ${least}`);
};

const families = (node: Node, key: string, otherwise: readonly InstanceClass[]): readonly InstanceClass[] => {
  const given = list(node, key);
  const known: ReadonlySet<string> = new Set(Object.values(InstanceClass));
  const wrong = given.find((family) => !known.has(family));
  if (wrong !== undefined) refuse(key, wrong, "families of instances such as g5,g6");
  return given.length > 0 ? (given as InstanceClass[]) : otherwise;
};

/** @throws Error when it is not JSON of prices. */
const prices = (node: Node): string | null => {
  const value: unknown = node.tryGetContext("prices");
  if (value === undefined || value === null || value === "") return null;
  const json = typeof value === "string" ? value : JSON.stringify(value);
  return isPrices(json)
    ? json
    : refuse(
        "prices",
        json,
        'JSON such as {"spot":{"gpuHour":0.5,"vcpuHour":0.02},"on-demand":{"gpuHour":1.2}}',
      );
};

const isPrices = (json: string): boolean => {
  try {
    return GivenPrices.safeParse(JSON.parse(json)).success;
  } catch {
    return false;
  }
};

const listOf = (node: Node, key: string, form: RegExp): string[] => {
  const items = list(node, key);
  const wrong = items.find((item) => !form.test(item));
  return wrong === undefined ? items : refuse(key, wrong, `the form ${form.source}`);
};

const list = (node: Node, key: string): string[] =>
  (text(node, key) ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
