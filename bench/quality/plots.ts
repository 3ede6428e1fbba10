import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { algorithms } from "../../shared/optimizer/registry.ts";
import { environmentOf } from "./searchers.ts";
import type { Section } from "./sections.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const FOLDER = here("../../.bench/plots");

/** Plots each comparison: regret and rank against trials, and regret against the time per ask. */
export const drawPlots = (sections: readonly Section[]): void => {
  const python = environmentOf("problems");
  if (!existsSync(python)) return;
  const plots = sections.flatMap(({ group, parallel, comparisons }) =>
    comparisons.map(({ curve, trials }, i) => ({
      file: `${group}-${parallel}-at-once${i === 0 ? "" : "-in-common"}`,
      title: `${group}, ${parallel === 1 ? "one trial at a time" : `${parallel} trials at once`}: ${curve.rows[0]!.studies} studies`,
      trials,
      at: curve.at,
      searchers: curve.rows.map(({ searcher, rank, regret, secondsAnAsk }) => ({
        name: searcher,
        isHone: Object.hasOwn(algorithms, searcher),
        rank,
        regret,
        seconds: secondsAnAsk,
      })),
    })),
  );
  if (plots.length === 0) return;
  rmSync(FOLDER, { recursive: true, force: true }); // of another form or of other flags
  execFileSync(python, [here("plots.py"), FOLDER], {
    input: JSON.stringify(plots),
    stdio: ["pipe", "inherit", "inherit"],
  });
  console.log(`\nPlots are in ${FOLDER}.`);
};
