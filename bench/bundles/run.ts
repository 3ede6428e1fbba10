import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildBundles, bundleFile, lambdas } from "../../infra/bundles.ts";
import { environmentForLoading, type Loaded, loadTime } from "./load.ts";

/** How large is each Lambda's bundle, and how long does it take to load? Prints a table for `bench/README.md`. */
const ROUNDS = 21;

const kB = (bytes: number) => `${(bytes / 1000).toFixed(0)} kB`;
const at = (share: number, times: readonly number[]) =>
  `${times.toSorted((a, b) => a - b)[Math.ceil(share * times.length) - 1]?.toFixed(0)} ms`;

const folder = mkdtempSync(join(tmpdir(), "hone-bundles-"));
try {
  const started = performance.now();
  const bundles = await buildBundles(folder);
  const built = performance.now() - started;

  const loads = new Map(lambdas.map((name) => [name, [] as Loaded[]]));
  // In rounds, so that other work on the machine affects all of them equally.
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of lambdas) {
      loads.get(name)?.push(await loadTime(join(bundles[name], bundleFile), environmentForLoading));
    }
  }

  console.log(`Node ${process.version}, median and 90th percentile of ${ROUNDS} fresh processes each;`);
  console.log(`all six bundled in ${built.toFixed(0)} ms.\n`);
  console.log(
    "| Lambda | minified | gzipped | load p50 | load p90 | processor p50 |\n|---|---:|---:|---:|---:|---:|",
  );
  for (const name of lambdas) {
    const code = readFileSync(join(bundles[name], bundleFile));
    const all = loads.get(name) ?? [];
    const wall = all.map(({ milliseconds }) => milliseconds);
    const figures = [
      kB(code.length),
      kB(gzipSync(code).length),
      at(0.5, wall),
      at(0.9, wall),
      at(
        0.5,
        all.map(({ cpu }) => cpu),
      ),
    ];
    console.log(`| ${name} | ${figures.join(" | ")} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
