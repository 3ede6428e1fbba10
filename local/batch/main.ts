/**
 * The local Batch endpoint as a separate process, started by `start.ts`.
 *
 *   node local/batch/main.ts PORT FOLDER VCPUS PYTHON AWS_ENDPOINT QUEUE...
 */
import { delimiter, join } from "node:path";
import { awsCaller } from "../aws-call.ts";
import { minimalEnvironment, root } from "../process.ts";
import { LocalBatch } from "./batch.ts";
import { eventPublisher } from "./events.ts";
import { Faults } from "./faults.ts";
import { secretReader } from "./secrets.ts";
import { batchServer } from "./server.ts";

const [port = "", folder = "", vcpus = "", python = "", aws = "", ...queues] = process.argv.slice(2);
const faults = new Faults();
const { PATH = "", HOME = "", LANG = "" } = minimalEnvironment();
const batch = new LocalBatch({
  queues,
  vcpus: Number(vcpus),
  directory: root,
  folder,
  // As in an image with Python, the runner and the packages of `clients/`: `hone` and `python` are on the PATH.
  environment: {
    HOME,
    LANG,
    PATH: [join(root, "clients", "runner"), join(python, "bin"), PATH].join(delimiter),
    PYTHONPATH: ["python", "python-gradients"]
      .map((name) => join(root, "clients", name, "src"))
      .join(delimiter),
    // Without this, numerical libraries would use all cores of the machine.
    OMP_NUM_THREADS: "1",
    PYTHONDONTWRITEBYTECODE: "1",
  },
  publish: eventPublisher(aws, () => faults.copies),
  readSecret: secretReader(awsCaller(aws)),
});

const server = batchServer(batch, faults).listen(Number(port), "127.0.0.1");
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
// The jobs end with this process.
process.on("exit", () => batch.stop());
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
