import * as z from "zod";

/** A variable of a job's environment. */
export const VariableName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/);

/** No colon: what follows one in the ARN of a secret would be a key or a version of it. */
const SecretName = z
  .string()
  .regex(
    /^[A-Za-z0-9/_+=.@-]{1,512}$/,
    "Write the secret's name, as hone/acme/wandb: 1 to 512 letters, digits and /_+=.@-",
  );

const ParameterPath = z
  .string()
  .max(900)
  .regex(
    /^(\/[A-Za-z0-9_.-]+)+$/,
    "Write the parameter's whole path, as /hone/acme/wandb: letters, digits, _.- and slashes.",
  );

const SecretKey = z
  .string()
  .regex(/^[A-Za-z0-9/_+=.@-]{1,128}$/, "Use 1 to 128 letters, digits and /_+=.@-")
  .meta({ description: "The key whose value is wanted, of a secret that is a JSON object." });

/** Where a value is kept that Hone never sees: AWS Batch fetches it when a job starts. */
export const SecretReference = z.union([
  z.strictObject({
    secretsManager: SecretName.meta({ description: "Name of a secret below `hone/<team>/`." }),
    key: SecretKey.optional(),
  }),
  z.strictObject({
    parameter: ParameterPath.meta({ description: "Path of an SSM parameter below `/hone/<team>/`." }),
  }),
]);

/** More than a program needs; each is a request to AWS at the start of every job. */
const MOST_SECRETS = 32;

export const Secrets = z
  .record(VariableName, SecretReference)
  .refine((secrets) => Object.keys(secrets).length <= MOST_SECRETS, `At most ${MOST_SECRETS} secrets.`)
  .meta({
    description:
      "Variables of the jobs whose values AWS Batch reads from Secrets Manager or the SSM Parameter Store when a job starts.",
    maxProperties: MOST_SECRETS,
  });

export type SecretReference = z.infer<typeof SecretReference>;
export type Secrets = z.infer<typeof Secrets>;
