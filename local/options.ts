import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { LocalError } from "./process.ts";
import type { StackOptions } from "./stack.ts";

/**
 * The options of `npm run local` and `npm run demo`: `--endpoint URL` (or AWS_ENDPOINT_URL) deploys to that AWS-compatible
 * endpoint, `--vcpus N` is the number of vCPUs that jobs may use at once, `--python FOLDER` the virtual environment of jobs.
 */
export const readOptions = (
  argv = process.argv.slice(2),
): Pick<StackOptions, "endpoint" | "vcpus" | "python"> => {
  const values = parse(argv);
  const vcpus = values.vcpus === undefined ? undefined : Number(values.vcpus);
  if (vcpus !== undefined && !(vcpus >= 1)) throw new LocalError("--vcpus must be a number, at least 1.");
  const endpoint = values.endpoint ?? process.env.AWS_ENDPOINT_URL;
  if (endpoint !== undefined && !/^https?:/.test(endpoint)) {
    throw new LocalError(`The endpoint ${endpoint} is not an http or https URL.`);
  }
  const python = values.python === undefined ? undefined : resolve(values.python);
  if (python !== undefined && !existsSync(join(python, "bin", "python"))) {
    throw new LocalError(
      `There is no ${join(python, "bin", "python")}. \`npm run test:gradients\` makes .venv-gradients, with PyTorch.`,
    );
  }
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(vcpus !== undefined && { vcpus }),
    ...(python !== undefined && { python }),
  };
};

const parse = (args: string[]) => {
  try {
    const options = {
      endpoint: { type: "string" },
      vcpus: { type: "string" },
      python: { type: "string" },
    } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new LocalError(
      `${error instanceof Error ? error.message : error}\nOptions: --endpoint URL, --vcpus N, --python FOLDER`,
    );
  }
};
