import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The Lambdas: each is `functions/<name>/index.ts`. */
export const lambdas = ["api", "authorizer", "dispatcher", "events", "reconciler", "rounds"] as const;
export type LambdaName = (typeof lambdas)[number];

/** Folder of each Lambda's bundle; `bundleFile` is what it holds. */
export type Bundles = Readonly<Record<LambdaName, string>>;
export const bundleFile = "index.js";

const functionsFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "functions");

/**
 * Bundles every Lambda with one call of esbuild, minified, with the SDK clients it uses: the runtime's own are of another
 * version. CommonJS, because a module that imports `node:http` makes Node load all that hangs on it, its WebSocket
 * included: a quarter of the processor time of loading the authorizer (`bench/bundles`).
 * @param outdir made if it is missing; what is in it is overwritten.
 * @param source folder of the Lambdas' folders.
 */
export const buildBundles = async (outdir: string, source = functionsFolder): Promise<Bundles> => {
  const folders = Object.fromEntries(lambdas.map((name) => [name, join(outdir, name)])) as Record<
    LambdaName,
    string
  >;
  await build({
    entryPoints: lambdas.map((name) => ({ in: join(source, name, "index.ts"), out: join(name, "index") })),
    outdir,
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    mainFields: ["module", "main"],
    legalComments: "none",
    logLevel: "warning",
  });
  // Whatever folder a bundle is unpacked below, a package of modules perhaps.
  for (const folder of Object.values(folders)) {
    writeFileSync(join(folder, "package.json"), '{"type":"commonjs"}');
  }
  return folders;
};
