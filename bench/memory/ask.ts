import { performance } from "node:perf_hooks";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { algorithms } from "../../shared/optimizer/registry.ts";
import { AlgorithmChoice } from "../../shared/schemas/study.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { noReceipt, TEAM, testDeps } from "../../test/support/service.ts";
import { clientFor } from "../../test/support/table.ts";

/**
 * One process of the bench, bundled like a Lambda: a cold ask of a study by an algorithm, then a warm one. Prints
 * peak memory and time as JSON.
 */
const [endpoint = "", table = "", id = "", name = ""] = process.argv.slice(2);

/** The most that was resident, MB. */
const peak = () => (process.resourceUsage().maxRSS * 1024) / 1e6;

const deps = { ...testDeps(new DynamoDBClient(clientFor(endpoint)), table), clock: () => Date.now() };
const known = Object.keys(algorithms).length;
const study = await loadStudy(deps, TEAM, id);
const loaded = peak();
const times: number[] = [];
let origin = "";
if (name !== "") {
  const algorithm = AlgorithmChoice.parse({ name, seed: 1 });
  for (let i = 0; i < 2; i++) {
    const begin = performance.now();
    const asked = { ...study, spec: { ...study.spec, algorithm } };
    const { trials } = await askTrials(deps, asked, {}, noReceipt);
    times.push(performance.now() - begin);
    origin = trials.map(({ algorithm, why }) => `${algorithm}: ${why}`).join();
  }
}
console.log(JSON.stringify({ known, loaded, peak: peak(), times, origin }));
process.exit(0);
