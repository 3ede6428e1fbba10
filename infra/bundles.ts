import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The Lambdas: each is `functions/<name>/index.ts`. */
export const lambdas = ["api", "authorizer", "dispatcher", "events", "reconciler", "rounds"] as const;
export type LambdaName = (typeof lambdas)[number];

/** Folder of each Lambda's bundle: one `index.mjs`. */
export type Bundles = Readonly<Record<LambdaName, string>>;

export const functionsFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "functions");

/**
 * Bundles every Lambda with one call of esbuild: minified ES modules that carry their SDK clients, because the ones of
 * the runtime are of another version and slower to load.
 * @param outdir made if it is missing; what is in it is overwritten.
 * @param source folder of the Lambdas' folders.
 */
export const buildBundles = async (outdir: string, source = functionsFolder): Promise<Bundles> => {
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: lambdas.map((name) => ({ in: join(source, name, "index.ts"), out: join(name, "index") })),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"],
    // CommonJS packages inside an ES module still call `require` for Node's own modules.
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
    },
    legalComments: "none",
    logLevel: "warning",
  });
  return Object.fromEntries(lambdas.map((name) => [name, join(outdir, name)])) as Record<LambdaName, string>;
};
