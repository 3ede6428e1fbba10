import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { environment } from "../../shared/deployment.ts";

/** What a bundle finds when it is loaded in a Lambda: a Region and every variable of ours. Nothing is called. */
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
  /** From the import to its end: reading, compiling and running the module. Node's own start is not in it. */
  readonly milliseconds: number;
  /** Processor time of it, milliseconds, which other work on the machine does not stretch. */
  readonly cpu: number;
  readonly handler: string;
}

/** Imports a bundle in a fresh process with no other environment than the one given. @throws when it does not load. */
export const loadTime = async (bundle: string, env: Readonly<Record<string, string>>): Promise<Loaded> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script, pathToFileURL(bundle).href],
    { env: { ...env } },
  );
  return JSON.parse(stdout) as Loaded;
};
