import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildBundles, lambdas } from "../../infra/bundles.ts";
import { environmentForLoading, loadTime } from "./load.ts";

/** How large is each Lambda's bundle, and how long does it take to load? Prints a table for `bench/README.md`. */
const ROUNDS = 21;

const folder = mkdtempSync(join(tmpdir(), "hone-bundles-"));
try {
  const started = performance.now();
  const bundles = await buildBundles(folder);
  const built = performance.now() - started;

  const times = new Map(lambdas.map((name) => [name, [] as number[]]));
  // Round by round, so that what else the machine does meets all of them alike.
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of lambdas) {
      const { milliseconds } = await loadTime(join(bundles[name], "index.mjs"), environmentForLoading);
      times.get(name)?.push(milliseconds);
    }
  }

  console.log(`Node ${process.version}, median and 90th percentile of ${ROUNDS} fresh processes each;`);
  console.log(`all six bundled in ${built.toFixed(0)} ms.\n`);
  console.log("| Lambda | minified | gzipped | load p50 | load p90 |\n|---|---:|---:|---:|---:|");
  for (const name of lambdas) {
    const code = readFileSync(join(bundles[name], "index.mjs"));
    const sorted = (times.get(name) ?? []).toSorted((a, b) => a - b);
    const at = (share: number) => `${sorted[Math.ceil(share * sorted.length) - 1]?.toFixed(0)} ms`;
    const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
    console.log(`| ${name} | ${kB(code.length)} | ${kB(gzipSync(code).length)} | ${at(0.5)} | ${at(0.9)} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
