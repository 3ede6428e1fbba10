import { SECRETS } from "../deployment.ts";
import type { FieldError } from "../errors.ts";
import type { BatchSpec } from "../executor/batch/size.ts";
import { pointerTo } from "../json-pointer.ts";
import type { SecretReference } from "../schemas/secret.ts";
import type { StudySpec } from "./study.ts";

/** Names that Hone and Batch set for each job, whatever the study says. */
const TAKEN = /^(HONE_|AWS_BATCH)/;
/** A study may say where its checkpoints go. */
const NOT_TAKEN = "HONE_CHECKPOINT_OUT";

/** Secrets Manager takes such an end for the one that it adds itself, and looks for a secret with a shorter name. */
const LIKE_A_SUFFIX = /-[A-Za-z0-9]{6}$/;

/** What is wrong with the variables of a study's jobs, of which the study has the values or the names of secrets. */
export const checkVariables = ({ team, executor }: StudySpec): FieldError[] => {
  if (executor.type !== "batch") return [];
  const { environment = {}, secrets = {} } = executor;
  return [
    ...Object.keys(environment)
      .filter((name) => TAKEN.test(name) && name !== NOT_TAKEN)
      .map((name) => taken("environment", name)),
    ...Object.keys(secrets)
      .filter((name) => TAKEN.test(name))
      .map((name) => taken("secrets", name)),
    ...Object.keys(secrets)
      .filter((name) => Object.hasOwn(environment, name))
      .map((name): FieldError => ({ pointer: at("secrets", name), fault: { kind: "variable-twice", name } })),
    ...Object.entries(secrets).flatMap(([name, reference]) => checkReference(team, name, reference)),
  ];
};

const at = (field: "environment" | "secrets", ...path: readonly string[]): string =>
  `/executor/${field}${pointerTo(path)}`;

const taken = (field: "environment" | "secrets", name: string): FieldError => ({
  pointer: at(field, name),
  fault: { kind: "environment-name-taken", name },
});

/** One role reads the secrets of all teams, so this is what keeps a team from those of another. */
const checkReference = (team: string, name: string, reference: SecretReference): FieldError[] => {
  const inTeam = `${SECRETS}${team}/`;
  const [field, given, prefix] =
    "parameter" in reference
      ? (["parameter", reference.parameter, `/${inTeam}`] as const)
      : (["secretsManager", reference.secretsManager, inTeam] as const);
  const pointer = at("secrets", name, field);
  if (!given.startsWith(prefix) || given === prefix) {
    return [{ pointer, fault: { kind: "secret-elsewhere", prefix } }];
  }
  return field === "secretsManager" && LIKE_A_SUFFIX.test(given)
    ? [{ pointer, fault: { kind: "secret-like-an-arn", end: given.slice(-7) } }]
    : [];
};

/** Ends of names under which people keep credentials. */
const TELLING_NAME = /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|KEY|KEY_ID)$/i;
/** Ids of AWS's access keys, tokens of Hone, GitHub, Hugging Face and Slack, and private keys. */
const TELLING_VALUE =
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bhone_[a-z0-9]{12}_|\bgh[opsu]_\w{20}|\bhf_\w{20}|\bxox[abp]-|PRIVATE KEY-----/;

/** The names of variables whose values, in plain text, look like credentials. */
export const plainCredentials = ({ environment = {} }: BatchSpec): string[] =>
  Object.entries(environment)
    .filter(([name, value]) => TELLING_VALUE.test(value) || (value !== "" && TELLING_NAME.test(name)))
    .map(([name]) => name);
