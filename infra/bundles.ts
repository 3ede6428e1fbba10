import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The Lambdas: each is `functions/<name>/index.ts`. */
export const lambdas = [
  "api",
  "authorizer",
  "dispatcher",
  "events",
  "reconciler",
  "rounds",
  "sweep",
] as const;
export type LambdaName = (typeof lambdas)[number];

/** The folder of each Lambda's bundle, which contains `bundleFile`. */
export type Bundles = Readonly<Record<LambdaName, string>>;
export const bundleFile = "index.js";

const functionsFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "functions");
/** In place of the SDK's chain of credential providers. */
const credentials = join(functionsFolder, "env-credentials.ts");

/**
 * Bundles every Lambda with one call of esbuild, minified, including the SDK clients it uses, because those of the runtime have
 * another version. The format is CommonJS, because an ES module that imports `node:http` makes Node load everything that
 * module exports, including WebSocket: a quarter of the CPU time of loading the authorizer (`bench/bundles`).
 * @param outdir created if missing; existing bundles are overwritten.
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
    alias: { "@aws-sdk/credential-provider-node": credentials },
    logLevel: "warning",
  });
  // A package.json with "type": "module" in a parent folder would otherwise make Node load the bundle as an ES module.
  for (const folder of Object.values(folders)) {
    writeFileSync(join(folder, "package.json"), '{"type":"commonjs"}');
  }
  return folders;
};
