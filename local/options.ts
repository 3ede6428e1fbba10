import { parseArgs } from "node:util";
import { LocalError } from "./process.ts";
import type { StackOptions } from "./stack.ts";

/**
 * The options of `npm run local` and `npm run demo`: `--endpoint URL` (or AWS_ENDPOINT_URL) deploys to that AWS-compatible
 * endpoint, `--vcpus N` is the number of vCPUs that jobs may use at once.
 */
export const readOptions = (argv = process.argv.slice(2)): Pick<StackOptions, "endpoint" | "vcpus"> => {
  const values = parse(argv);
  const vcpus = values.vcpus === undefined ? undefined : Number(values.vcpus);
  if (vcpus !== undefined && !(vcpus >= 1)) throw new LocalError("--vcpus must be a number, at least 1.");
  const endpoint = values.endpoint ?? process.env.AWS_ENDPOINT_URL;
  if (endpoint !== undefined && !/^https?:/.test(endpoint)) {
    throw new LocalError(`The endpoint ${endpoint} is not an http or https URL.`);
  }
  return { ...(endpoint !== undefined && { endpoint }), ...(vcpus !== undefined && { vcpus }) };
};

const parse = (args: string[]) => {
  try {
    return parseArgs({ args, options: { endpoint: { type: "string" }, vcpus: { type: "string" } } }).values;
  } catch (error) {
    throw new LocalError(
      `${error instanceof Error ? error.message : error}\nOptions: --endpoint URL, --vcpus N`,
    );
  }
};
