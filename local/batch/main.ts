/**
 * The local Batch endpoint as a separate process, started by `start.ts`.
 *
 *   node local/batch/main.ts PORT FOLDER VCPUS EVENTS_ENDPOINT QUEUE...
 */
import { delimiter, join } from "node:path";
import { minimalEnvironment, root } from "../process.ts";
import { LocalBatch } from "./batch.ts";
import { eventPublisher } from "./events.ts";
import { Faults } from "./faults.ts";
import { batchServer } from "./server.ts";

const [port = "", folder = "", vcpus = "", events = "", ...queues] = process.argv.slice(2);
const faults = new Faults();
const { PATH = "", HOME = "", LANG = "" } = minimalEnvironment();
const batch = new LocalBatch({
  queues,
  vcpus: Number(vcpus),
  directory: root,
  folder,
  // As in an image with Python and the runner: `hone` and `python` are on the PATH.
  environment: {
    HOME,
    LANG,
    PATH: [join(root, "clients", "runner"), join(root, ".venv", "bin"), PATH].join(delimiter),
    // Without this, numerical libraries would use all cores of the machine.
    OMP_NUM_THREADS: "1",
    PYTHONDONTWRITEBYTECODE: "1",
  },
  publish: eventPublisher(events, () => faults.copies),
});

const server = batchServer(batch, faults).listen(Number(port), "127.0.0.1");
server.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
// The jobs end with this process.
process.on("exit", () => batch.stop());
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
