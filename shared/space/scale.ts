/**
 * How a numeric parameter lies on its axis. This table is the only place that knows the scales: a new one is an entry
 * here, and does not compile until the entry is complete.
 */
export interface ScaleRules {
  /** The position of a number on the scale; strictly increasing between the limits. */
  toScale(value: number): number;
  /** The number at a position on the scale. */
  fromScale(place: number): number;
  /** How fast the number grows with its position. */
  slopeAt(place: number): number;
  /** Both bounds of a parameter must lie strictly between these; infinite where the scale has no end. */
  readonly limits: { readonly low: number; readonly high: number };
  /** Whether an int parameter may have this scale. */
  readonly allowsInts: boolean;
  /**
   * Whether all steps are equally long on the scale. Value k of n then owns the k-th of n equal cells of the axis;
   * otherwise a value owns the coordinates whose number is nearest to it.
   */
  readonly equalSteps: boolean;
  /** How many values a coordinate in double precision still tells apart, with room to spare. */
  readonly mostValues: number;
  /** The unit of a normal prior's `sd`, as the API documents it. */
  readonly priorUnit: string;
}

export const scales = {
  linear: {
    toScale: (value) => value,
    fromScale: (place) => place,
    slopeAt: () => 1,
    limits: { low: -Infinity, high: Infinity },
    allowsInts: true,
    equalSteps: true,
    mostValues: 2 ** 50,
    priorUnit: "the parameter's unit",
  },
  log: {
    toScale: Math.log,
    fromScale: Math.exp,
    slopeAt: Math.exp,
    limits: { low: 0, high: Infinity },
    allowsInts: true,
    equalSteps: false,
    mostValues: 2 ** 40,
    priorUnit: "natural-log units",
  },
  /** The logarithm of the distance to 1, negated so that it increases. */
  "reverse-log": {
    toScale: (value) => -Math.log1p(-value),
    fromScale: (place) => -Math.expm1(-place),
    slopeAt: (place) => Math.exp(-place),
    limits: { low: -Infinity, high: 1 },
    allowsInts: false,
    equalSteps: false,
    mostValues: 2 ** 40,
    priorUnit: "natural-log units of the distance to 1",
  },
} as const satisfies Readonly<Record<string, ScaleRules>>;

export type Scale = keyof typeof scales;

export const scaleNames = Object.keys(scales) as Scale[];
