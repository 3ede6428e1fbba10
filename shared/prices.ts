import * as z from "zod";

/** Which machines run trials: Spot instances, which AWS may take away, or on-demand ones, which cost more and stay. */
export const Market = z.enum(["spot", "on-demand"]);

export type Market = z.infer<typeof Market>;

/** What machines cost in one market, in dollars an hour. */
export interface Rates {
  readonly gpuHour: number;
  /** A vCPU with its memory. */
  readonly vcpuHour: number;
}

export type Prices = Readonly<Record<Market, Rates>>;

/**
 * Estimates in dollars, us-east-1, about what the default families cost: g4dn, g5 and g6 a GPU with its share of the machine; c, m and r of
 * the 6th and 7th generation a vCPU with its memory. A deployment may have its own (context `prices`). The bill is AWS's; these
 * only bound what is spent.
 */
export const PRICES: Prices = {
  spot: { gpuHour: 0.5, vcpuHour: 0.02 },
  "on-demand": { gpuHour: 1.2, vcpuHour: 0.05 },
};

const Rate = z.number().min(0).max(10_000);
const GivenRates = z.strictObject({ gpuHour: Rate.optional(), vcpuHour: Rate.optional() });

/** Prices as a deployment gives them: what it leaves out has its default. */
export const GivenPrices = z.strictObject({
  spot: GivenRates.optional(),
  "on-demand": GivenRates.optional(),
});

/** A deployment's prices. @param given JSON of `GivenPrices`. */
export const pricesIn = (given: string): Prices => {
  const prices = GivenPrices.parse(JSON.parse(given));
  const rates = (market: Market): Rates => ({ ...PRICES[market], ...definedOf(prices[market]) });
  return { spot: rates("spot"), "on-demand": rates("on-demand") };
};

const definedOf = (given: z.infer<typeof GivenRates> = {}): Partial<Rates> => ({
  ...(given.gpuHour !== undefined && { gpuHour: given.gpuHour }),
  ...(given.vcpuHour !== undefined && { vcpuHour: given.vcpuHour }),
});

/** Money is counted in millionths of a dollar, so that sums are exact. */
export const MICROS = 1e6;

const HOUR = 3600;

/** What was used of machines. */
export interface Usage {
  readonly gpuSeconds: number;
  readonly vcpuSeconds: number;
}

/** What that costs, in dollars. */
export const dollarsOf = ({ gpuSeconds, vcpuSeconds }: Usage, { gpuHour, vcpuHour }: Rates): number =>
  (gpuSeconds / HOUR) * gpuHour + (vcpuSeconds / HOUR) * vcpuHour;

/** The same in whole millionths of a dollar. */
export const microsOf = (usage: Usage, rates: Rates): number => Math.round(MICROS * dollarsOf(usage, rates));
