import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { CORE_STACK, NO_QUEUE, environment as names, outputs as outputKeys } from "../shared/deployment.ts";
import { runCommand } from "./command.ts";
import { clientEnvironment, clientSettings, REGION } from "./emulator.ts";
import { LocalError, minimalEnvironment } from "./process.ts";

/** The account id of emulators. */
const ACCOUNT = "000000000000";

export interface DeployOptions {
  /** The emulator, or another AWS-compatible endpoint. */
  readonly endpoint: string;
  /** PEM file of its certificate if that is self-signed. */
  readonly certificate: string | null;
  /** Folder for the synthesized stack and the log. */
  readonly folder: string;
  /** Base URL of the API, as given to jobs. */
  readonly apiUrl: string;
  /** Where Lambdas reach Batch; null if they inherit that from the emulator. */
  readonly batchUrl: string | null;
  /** The emulator was just started, so nothing is deployed there yet. */
  readonly isFresh: boolean;
  readonly signal: AbortSignal;
}

/** The outputs of the deployed stack. */
export type Outputs = Readonly<Record<keyof typeof outputKeys, string>>;

/** The stack's names of its Batch job queues and of the template of job definitions. */
export interface BatchNames {
  readonly queues: readonly string[];
  readonly jobDefinition: string;
}

/** The output folder of `synthesize`. */
const assembly = (folder: string): string => join(folder, "cdk.out");

const cdk = (
  args: readonly string[],
  title: string,
  { endpoint, certificate, folder, signal }: DeployOptions,
) =>
  runCommand("cdk", [...args, "--no-notices", "--no-color"], {
    title,
    log: join(folder, "cdk.log"),
    signal,
    environment: {
      ...minimalEnvironment(),
      ...clientEnvironment(endpoint),
      HOME: folder, // do not use the user's own CDK caches and settings
      CI: "true",
      CDK_DISABLE_CLI_TELEMETRY: "true",
      ...(certificate === null ? {} : { NODE_EXTRA_CA_CERTS: certificate }),
    },
  });

/** Bundles the Lambdas and synthesizes the CDK app for the emulator. */
export const synthesize = async (options: DeployOptions): Promise<BatchNames> => {
  const context = ["-c", "env=local", "-c", `apiUrl=${options.apiUrl}`];
  if (options.batchUrl !== null) context.push("-c", `batchUrl=${options.batchUrl}`);
  await cdk(
    ["synth", "--quiet", ...context, "--output", assembly(options.folder)],
    "Synthesizing the stack",
    options,
  );
  return batchNames(options.folder);
};

/** Creates the bucket and roles that CDK deployments need, unless they exist. */
export const bootstrap = async (options: DeployOptions): Promise<void> => {
  if (!options.isFresh && (await isBootstrapped(options.endpoint))) return;
  await cdk(["bootstrap", `aws://${ACCOUNT}/${REGION}`], "Bootstrapping the CDK", options);
};

const isBootstrapped = async (endpoint: string): Promise<boolean> => {
  const client = new CloudFormationClient({ ...clientSettings(endpoint), maxAttempts: 1 });
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "CDKToolkit" }));
    return Stacks?.[0]?.StackStatus?.endsWith("_COMPLETE") ?? false;
  } catch (error) {
    if (error instanceof CloudFormationServiceException) return false;
    throw new LocalError(
      `There is no AWS endpoint at ${endpoint}: ${error instanceof Error ? error.message : error}`,
    );
  } finally {
    client.destroy();
  }
};

/** Deploys the output of `synthesize`. */
export const deploy = async (options: DeployOptions): Promise<Outputs> => {
  const file = join(options.folder, "outputs.json");
  const how = ["--require-approval", "never", "--progress", "events", "--outputs-file", file];
  await cdk(
    ["deploy", CORE_STACK, "--app", assembly(options.folder), ...how],
    "Deploying the stack",
    options,
  );
  const outputs = JSON.parse(readFileSync(file, "utf8"))[CORE_STACK] ?? {};
  const missing = Object.values(outputKeys).filter((key) => outputs[key] === undefined);
  if (missing.length > 0) throw new LocalError(`The stack has no output ${missing.join(", ")}.`);
  return Object.fromEntries(Object.entries(outputKeys).map(([name, key]) => [name, outputs[key]])) as Outputs;
};

/** The part of a resource that is read here. */
interface Resource {
  readonly Properties?: { readonly Environment?: { readonly Variables?: Readonly<Record<string, unknown>> } };
}

/** Reads the names from the environment variables of the api Lambda in the template. */
const batchNames = (folder: string): BatchNames => {
  const template = JSON.parse(readFileSync(join(assembly(folder), `${CORE_STACK}.template.json`), "utf8"));
  for (const resource of Object.values<Resource>(template.Resources)) {
    const variables = resource.Properties?.Environment?.Variables ?? {};
    const { [names.jobDefinition]: jobDefinition } = variables;
    const queues = [
      variables[names.gpuJobQueue],
      variables[names.cpuJobQueue],
      variables[names.onDemandGpuJobQueue],
      variables[names.onDemandCpuJobQueue],
    ].filter((name): name is string => typeof name === "string" && name !== NO_QUEUE);
    if (queues.length > 0 && typeof jobDefinition === "string") return { queues, jobDefinition };
  }
  throw new LocalError(`No Lambda of the stack has the variable ${names.jobDefinition}.`);
};

/** The URL at which an emulator serves the deployed API without a separate host name. */
export const executeApiUrl = (endpoint: string, apiUrl: string): string => {
  const id = /^https?:\/\/([a-z0-9]+)\.execute-api\./.exec(apiUrl)?.[1];
  if (id === undefined) throw new LocalError(`The stack's ApiUrl is not an API Gateway URL: ${apiUrl}`);
  return `${endpoint}/_aws/execute-api/${id}/$default`;
};
