/**
 * The cost of a report and of the ask before it as a study grows, in units and milliseconds. Prints the table for
 * `bench/README.md`.
 *
 *   npm run bench:report
 *   npm run bench:report -- --sizes 100,1000 --calls 50
 */

import { parseArgs } from "node:util";
import type { SchedulerChoice } from "../../shared/scheduler/registry.ts";
import { type Cost, measure, resource } from "./measure.ts";

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "100,10000,100000" },
    calls: { type: "string", default: "200" },
  },
});

const schedulers: readonly (readonly [string, SchedulerChoice])[] = [
  ["none", { name: "none" }],
  ["median", { name: "median", resource }],
  ["asha, stopping", { name: "asha", resource }],
  ["asha, promotion", { name: "asha", resource, type: "promotion" }],
  ["pasha", { name: "pasha", resource }],
  ["sha", { name: "sha", resource }],
];

const cells = ({ write, read, ms }: Cost) => [write.toFixed(1), read.toFixed(1), ms.toFixed(2)];

const kinds = ["ask", "report", "report at a rung"];
const columns = kinds.flatMap((kind) => [`${kind}: write units`, "read units", "p50 ms"]);
console.log(`| scheduler | trials | ${columns.join(" | ")} |`);
console.log(`|${"---|".repeat(2 + columns.length)}`);
for (const [name, scheduler] of schedulers) {
  for (const size of options.sizes.split(",").map(Number)) {
    const { ask, plain, deciding } = await measure(scheduler, size, Number(options.calls));
    const row = [ask, plain, deciding].flatMap(cells).join(" | ");
    console.log(`| ${name} | ${size.toLocaleString("en")} | ${row} |`);
  }
}
