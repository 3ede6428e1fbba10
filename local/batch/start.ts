import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LocalError, lastLines, minimalEnvironment, root, type Service, startService } from "../process.ts";

export interface BatchServiceOptions {
  /** Folder for the jobs' logs and temporary files. */
  readonly folder: string;
  /** Port to listen on. */
  readonly port: number;
  /** Endpoint of AWS: of the event bus that receives job state changes, and of the services that hold secrets. */
  readonly awsEndpoint: string;
  /** PEM file of that endpoint's certificate if that is self-signed. */
  readonly certificate: string | null;
  readonly queues: readonly string[];
  /** vCPUs that jobs may use at once; by default those of the machine. */
  readonly vcpus?: number;
  /** Virtual environment whose Python jobs run with. */
  readonly python: string;
}

export interface BatchService extends Service {
  readonly endpoint: string;
  readonly log: string;
}

const START_MS = 15_000;

/** Starts the local Batch endpoint as a process that ends with this one, and waits until it is ready. */
export const startBatch = async (options: BatchServiceOptions): Promise<BatchService> => {
  const { folder, port, awsEndpoint, certificate, queues, python, vcpus = availableParallelism() } = options;
  const log = join(folder, "batch.log");
  const service = startService({
    command: process.execPath,
    args: [
      join(root, "local/batch/main.ts"),
      String(port),
      folder,
      String(vcpus),
      python,
      awsEndpoint,
      ...queues,
    ],
    environment: {
      ...minimalEnvironment(),
      ...(certificate === null ? {} : { NODE_EXTRA_CA_CERTS: certificate }),
    },
    log,
    scratch: join(folder, "jobs-tmp"),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  let ended = false;
  service.exited.then(() => {
    ended = true;
  });
  for (const until = Date.now() + START_MS; Date.now() < until && !ended; await sleep(50)) {
    if (await answers(endpoint)) return { ...service, endpoint, log };
  }
  await service.stop();
  throw new LocalError(`The local Batch endpoint did not start. The end of ${log}:\n${lastLines(log)}`);
};

const answers = (endpoint: string): Promise<boolean> =>
  fetch(`${endpoint}/local/ready`, { method: "POST" }).then(
    ({ ok }) => ok,
    () => false,
  );
