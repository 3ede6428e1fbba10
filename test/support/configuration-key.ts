import type { Params } from "../../shared/values.ts";

/**
 * A key that is the same exactly for the same configuration, whatever the order of its parameters. JSON writes a number
 * as its shortest decimal and -0 as 0, and keeps 1, "1" and true apart.
 */
export const configurationKey = (params: Params): string =>
  JSON.stringify(
    Object.keys(params)
      .sort()
      .map((name) => [name, params[name]]),
  );
