import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { get as httpsGet } from "node:https";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, LocalError, lastLines, minimalEnvironment, root, startService } from "./process.ts";

export const REGION = "us-east-1";

/** Settings that make SDKs, the CDK CLI and Lambdas use an emulator and never AWS. */
export const clientEnvironment = (endpoint: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_EC2_METADATA_DISABLED: "true",
  // Ignore the user's AWS profiles.
  AWS_CONFIG_FILE: "/dev/null",
  AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
});

/** The same for an SDK client of our own. */
export const clientSettings = (endpoint: string) =>
  ({ endpoint, region: REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } }) as const;

export interface EmulatorOptions {
  /** Folder for its log and its temporary files; created if missing. */
  readonly folder: string;
  /** Variables that Lambdas inherit, for example the local Batch endpoint. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Deny what a Lambda's role does not grant. The endpoint is then https, with the certificate `certificate`. */
  readonly enforceIam?: boolean;
  /** Concurrent Lambda calls; above this the emulator answers 429. Each call is a process of about 52 MB. */
  readonly lambdaConcurrency?: number;
}

const LAMBDA_CONCURRENCY = 32;
/** Lambdas at once that no request of the API calls: they handle messages, events and schedules. */
const OTHER_LAMBDAS = 8;

/**
 * Requests of the API that are handled at once. Each runs one Lambda at a time, the authorizer or the handler, so the emulator
 * never refuses one. More at once than two per core make all of them slower, and those of one study collide more often: see
 * `bench/README.md`.
 */
export const requestsAtOnce = ({
  lambdaConcurrency = LAMBDA_CONCURRENCY,
}: Pick<EmulatorOptions, "lambdaConcurrency">): number =>
  Math.max(1, Math.min(2 * availableParallelism(), lambdaConcurrency - OTHER_LAMBDAS));

export interface Emulator {
  readonly endpoint: string;
  readonly log: string;
  /** PEM file of the self-signed certificate, when IAM is enforced. */
  readonly certificate: string | null;
  /** Resolves when it has ended, by itself or by `stop`. */
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

const START_MS = 30_000;

/**
 * Starts MiniStack on a free port of the loopback interface and waits until it is ready.
 * @throws LocalError when it is not installed or does not start; the message has the end of its log.
 */
export const startEmulator = async (options: EmulatorOptions): Promise<Emulator> => {
  const python = join(root, ".venv", "bin", "python");
  if (!existsSync(python)) throw new LocalError("The emulator is not installed. Run: npm run setup");
  if (options.enforceIam && spawnSync("openssl", ["version"]).error !== undefined) {
    throw new LocalError("The emulator needs openssl for its certificate: apt-get install openssl");
  }
  for (let tries = 3; ; tries--) {
    const emulator = await launch(python, options);
    if (await ready(emulator)) return emulator;
    await emulator.stop();
    const log = lastLines(emulator.log);
    // Another process may have taken the port since `freePort` returned it.
    if (tries > 1 && /address already in use/i.test(log)) continue;
    throw new LocalError(`The emulator did not start. The end of ${emulator.log}:\n${log}`);
  }
};

const launch = async (python: string, options: EmulatorOptions): Promise<Emulator> => {
  const { folder, environment = {}, enforceIam = false, lambdaConcurrency = LAMBDA_CONCURRENCY } = options;
  const port = await freePort();
  const endpoint = `${enforceIam ? "https" : "http"}://127.0.0.1:${port}`;
  const scratch = join(folder, "emulator-tmp");
  const log = join(folder, "emulator.log");
  mkdirSync(scratch, { recursive: true });
  // The emulator's Lambda workers are CommonJS; the checkout's package.json would make Node load them as ES modules.
  writeFileSync(join(scratch, "package.json"), "{}");
  const certificate = enforceIam ? join(scratch, "ministack-tls", "server.crt") : null;
  const service = startService({
    command: python,
    args: ["-m", "ministack"],
    environment: {
      ...minimalEnvironment(),
      TMPDIR: scratch,
      BIND_HOST: "127.0.0.1",
      MINISTACK_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      IOT_MTLS_ENABLED: "0",
      LOG_LEVEL: "INFO",
      LAMBDA_WARM_TTL_SECONDS: "60",
      LAMBDA_ACCOUNT_CONCURRENCY: String(lambdaConcurrency),
      PYTHONDONTWRITEBYTECODE: "1",
      ...(certificate === null ? {} : { AUTH: "true", USE_SSL: "1", NODE_EXTRA_CA_CERTS: certificate }),
      ...environment,
    },
    log,
    scratch,
  });
  return { endpoint, log, certificate, exited: service.exited, stop: service.stop };
};

const ready = async ({ endpoint, certificate, exited }: Emulator): Promise<boolean> => {
  let ended = false;
  exited.then(() => {
    ended = true;
  });
  for (const until = Date.now() + START_MS; Date.now() < until && !ended; await sleep(50)) {
    if (await answers(`${endpoint}/_ministack/ready`, certificate)) return true;
  }
  return false;
};

/** @param certificate self-signed, created while the emulator starts; `fetch` cannot be given a certificate to trust. */
const answers = (url: string, certificate: string | null): Promise<boolean> =>
  new Promise<boolean>((resolve) => {
    if (certificate !== null && !existsSync(certificate)) return resolve(false);
    const get = certificate === null ? httpGet : httpsGet;
    const ca = certificate === null ? {} : { ca: readFileSync(certificate) };
    const request = get(url, { ...ca, timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("error", () => resolve(false)).on("timeout", () => request.destroy());
  }).catch(() => false); // the certificate file is not complete yet
