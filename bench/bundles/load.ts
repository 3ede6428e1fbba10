import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { environment } from "../../shared/deployment.ts";

/** The environment in which a bundle is loaded: a Region and all of Hone's variables. No service is called. */
export const environmentForLoading: Readonly<Record<string, string>> = {
  AWS_REGION: "eu-west-1",
  ...Object.fromEntries(Object.values(environment).map((name) => [name, "unused"])),
};

const script = `
  const before = process.cpuUsage();
  const start = performance.now();
  const { handler } = await import(process.argv[1]);
  const milliseconds = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(JSON.stringify({ milliseconds, cpu: (user + system) / 1000, handler: typeof handler }));
`;

export interface Loaded {
  /** Duration of the import: reading, compiling and running the module, without the start of Node. */
  readonly milliseconds: number;
  /** CPU time of the import in milliseconds, which does not depend on other work on the machine. */
  readonly cpu: number;
  readonly handler: string;
}

/** Imports a bundle in a new process with only the given environment. @throws when it does not load. */
export const loadTime = async (bundle: string, env: Readonly<Record<string, string>>): Promise<Loaded> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script, pathToFileURL(bundle).href],
    { env: { ...env } },
  );
  return JSON.parse(stdout) as Loaded;
};
