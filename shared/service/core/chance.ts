import type { ServiceDeps } from "./deps.ts";

/** Uniform in [0, 1), in steps of 1/65536: for what must only differ between requests. */
export const chance = ({ randomBytes }: Pick<ServiceDeps, "randomBytes">): number => {
  const [high = 0, low = 0] = randomBytes(2);
  return (high * 256 + low) / 65_536;
};
