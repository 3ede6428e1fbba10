import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createTeam } from "./admin.ts";
import { registerTemplate } from "./batch/register.ts";
import { startBatch } from "./batch/start.ts";
import { bootstrap, type DeployOptions, deploy, executeApiUrl, type Outputs, synthesize } from "./deploy.ts";
import { type Emulator, type EmulatorOptions, requestsAtOnce, startEmulator } from "./emulator.ts";
import { type Lifetime, pause } from "./lifetime.ts";
import { freePort, LocalError, root, type Service } from "./process.ts";
import { startProxy } from "./proxy.ts";

export interface StackOptions {
  /** Folder for logs and temporary files. */
  readonly folder: string;
  /** Deploy to this AWS endpoint instead of starting an emulator. */
  readonly endpoint?: string;
  /** vCPUs that jobs may use at once; by default those of the machine. */
  readonly vcpus?: number;
  /** Virtual environment whose Python jobs run with; by default .venv. */
  readonly python?: string;
  /** Name of the team to create. */
  readonly team?: string;
  readonly emulator?: Pick<EmulatorOptions, "enforceIam" | "lambdaConcurrency" | "environment">;
  /** Requests to the API that are handled at once; by default as many as `emulator.ts` recommends. */
  readonly requestsAtOnce?: number;
  /** A proxy between Lambdas and the emulator, Lambdas and the local Batch, and the deployed API and its callers. */
  readonly between?: Between;
  /** Called after each step. */
  readonly onStep?: (title: string, seconds: number) => void;
}

/** A proxy that sees all requests: the tests' recorder. */
export interface Between {
  readonly url: string;
  /** Called with the targets of the requests as soon as they are known. */
  passTo(targets: {
    readonly aws: string;
    readonly certificate: string | null;
    readonly batch: string;
  }): void;
}

/** A deployed Hone on this machine. */
export interface Stack {
  /** Base URL up to and including `/v1`. */
  readonly api: string;
  readonly team: string;
  /** Secret of a token with the role owner. */
  readonly token: string;
  /** The AWS API. */
  readonly endpoint: string;
  /** PEM file of its certificate if that is self-signed. */
  readonly certificate: string | null;
  /** The AWS Batch API, and `/local` for faults. */
  readonly batchEndpoint: string;
  readonly outputs: Outputs;
  readonly folder: string;
  /** Rejects when a part of the stack has ended though nobody asked it to. */
  readonly broken: Promise<never>;
}

const API_MS = 60_000;
/** Requests to the API that wait for their turn, and for how long: within the 30 s after which API Gateway gives up. */
const QUEUE = { waiting: 256, patienceMs: 15_000 } as const;

/**
 * Brings everything up: emulator, local Batch, the CDK app, a short URL, a team. The parts are taken down at the end of
 * the lifetime, also when this fails half-way.
 */
export const startStack = async (lifetime: Lifetime, options: StackOptions): Promise<Stack> => {
  const {
    folder,
    team = "demo",
    vcpus = availableParallelism(),
    python = join(root, ".venv"),
    between,
    onStep = () => {},
  } = options;
  const { signal, atEnd } = lifetime;
  const step = async <T>(title: string, work: Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work;
    signal.throwIfAborted();
    onStep(title, (performance.now() - started) / 1000);
    return result;
  };

  const isFresh = options.endpoint === undefined;
  const batchPort = await freePort();
  const proxy = await startProxy(0, {
    atOnce: options.requestsAtOnce ?? requestsAtOnce(options.emulator ?? {}),
    ...QUEUE,
  });
  atEnd(proxy.stop);
  const emulator = await step(isFresh ? "AWS emulator" : "AWS endpoint", startAws(options, batchPort));
  atEnd(() => emulator.stop?.());
  const { endpoint, certificate } = emulator;
  between?.passTo({ aws: endpoint, certificate, batch: `http://127.0.0.1:${batchPort}` });
  const batchUrl = isFresh ? null : `http://127.0.0.1:${batchPort}`;
  const deployment: DeployOptions = {
    endpoint,
    certificate,
    folder,
    apiUrl: proxy.api,
    batchUrl,
    isFresh,
    signal,
  };
  const [names] = await step(
    "Synthesis of the CDK app, and bootstrap",
    all([synthesize(deployment), bootstrap(deployment)]),
  );
  const { queues, jobDefinition } = names;
  const batch = await step(
    "Local Batch",
    startBatch({ folder, port: batchPort, awsEndpoint: endpoint, certificate, queues, vcpus, python }),
  );
  atEnd(batch.stop);
  const outputs = await step("Deployment of the CDK app", deploy(deployment));
  proxy.passTo({
    url: executeApiUrl(between?.url ?? endpoint, outputs.apiUrl),
    certificate: certificate === null || between !== undefined ? null : readFileSync(certificate),
  });
  const [token] = await step(
    "Team, token and first answer",
    all([
      createTeam({ endpoint, certificate, table: outputs.table, team, signal }),
      registerTemplate(batch.endpoint, jobDefinition),
      untilHealthy(proxy.api, signal),
    ]),
  );
  const broken = untilBroken(signal, { "AWS emulator": emulator, "local Batch": batch });
  broken.catch(() => {}); // a failure is reported where it is awaited
  return {
    api: proxy.api,
    team,
    token,
    endpoint,
    certificate,
    batchEndpoint: batch.endpoint,
    outputs,
    folder,
    broken,
  };
};

/** An emulator that was started here, or the user's own endpoint. */
type Aws = Pick<Emulator, "endpoint" | "certificate"> & Partial<Emulator>;

const startAws = async (
  { endpoint, folder, emulator = {}, between }: StackOptions,
  batchPort: number,
): Promise<Aws> => {
  if (endpoint !== undefined) return { endpoint: endpoint.replace(/\/+$/, ""), certificate: null };
  // Lambdas inherit the emulator's variables, so their SDK uses the local Batch.
  const environment = {
    ...emulator.environment,
    AWS_ENDPOINT_URL_BATCH: between?.url ?? `http://127.0.0.1:${batchPort}`,
    ...(between && { AWS_ENDPOINT_URL: between.url }),
  };
  return await startEmulator({ ...emulator, folder, environment });
};

/** Like Promise.all, but waits for all even when one fails, so that nothing keeps running unnoticed. */
const all = async <T extends readonly unknown[]>(work: { [K in keyof T]: Promise<T[K]> }): Promise<T> => {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as unknown as T;
};

const untilHealthy = async (api: string, signal: AbortSignal): Promise<void> => {
  let last = "";
  for (const until = Date.now() + API_MS; Date.now() < until; await pause(200, signal)) {
    const response = await fetch(`${api}/healthz`, { signal });
    if (response.ok) return;
    last = `${response.status} ${await response.text()}`;
  }
  throw new LocalError(`${api}/healthz does not succeed. The last reply: ${last}`);
};

const untilBroken = async (
  signal: AbortSignal,
  parts: Readonly<Record<string, Partial<Service> & { readonly log?: string }>>,
): Promise<never> => {
  const ended = Object.entries(parts).flatMap(([name, { exited, log }]) =>
    exited === undefined
      ? []
      : [exited.then((code) => `The ${name} has stopped (exit code ${code}). Its log: ${log}`)],
  );
  const message = await Promise.race(ended);
  signal.throwIfAborted();
  throw new LocalError(message);
};
