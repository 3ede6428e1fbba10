import { hash128 } from "../numerics/hash.ts";
import type { Params } from "../schemas/common.ts";
import type { Space } from "./space.ts";

/**
 * A short key that is the same exactly for the same configuration, whatever the order of its keys: 32 hexadecimal
 * digits. It depends on names and values only, not on bounds, so it holds across studies.
 * @param params a valid configuration of the space.
 */
export const configurationKey = (space: Space, params: Params): string => {
  const names = Object.keys(params).filter((name) => space.byName.has(name));
  // JSON writes a number as its shortest decimal, -0 as 0, and keeps 1, "1" and true apart.
  return hash128(JSON.stringify(names.sort().map((name) => [name, params[name]])));
};
