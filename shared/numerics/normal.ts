/**
 * The normal distribution, to about 1e-15 relative.
 * Sources: Cody 1969, "Rational Chebyshev approximations for the error function" (erfc); Wichura 1988, AS 241 (quantile).
 */

const polynomial = (x: number, ...coefficients: number[]): number => {
  let sum = 0;
  for (const coefficient of coefficients) sum = sum * x + coefficient;
  return sum;
};

const ONE_OVER_SQRT_PI = 0.5641895835477563;

/** The error function for |x| <= 0.46875. */
const erfSmall = (x: number): number => {
  const z = x * x;
  const above = polynomial(
    z,
    0.18577770618460315,
    3.1611237438705655,
    113.8641541510502,
    377.485237685302,
    3209.3775891384694,
  );
  const below = polynomial(
    z,
    1,
    23.601290952344122,
    244.02463793444417,
    1282.6165260773723,
    2844.236833439171,
  );
  return (x * above) / below;
};

/** exp(-y * y) without the rounding error of y * y. */
const expMinusSquare = (y: number): number => {
  const coarse = Math.trunc(y * 16) / 16;
  return Math.exp(-coarse * coarse) * Math.exp(-(y - coarse) * (y + coarse));
};

/** exp(y * y) * erfc(y) for y >= 0.46875. */
const erfcScaled = (y: number): number => {
  if (y <= 4) {
    const above = polynomial(
      y,
      2.1531153547440383e-8,
      0.5641884969886701,
      8.883149794388377,
      66.11919063714163,
      298.6351381974001,
      881.952221241769,
      1712.0476126340707,
      2051.0783778260716,
      1230.3393547979972,
    );
    const below = polynomial(
      y,
      1,
      15.744926110709835,
      117.6939508913125,
      537.1811018620099,
      1621.3895745666903,
      3290.7992357334597,
      4362.619090143247,
      3439.3676741437216,
      1230.3393548037493,
    );
    return above / below;
  }
  const z = 1 / (y * y);
  const above = polynomial(
    z,
    0.016315387137302097,
    0.30532663496123236,
    0.36034489994980445,
    0.12578172611122926,
    0.01608378514874228,
    0.0006587491615298378,
  );
  const below = polynomial(
    z,
    1,
    2.568520192289822,
    1.8729528499234673,
    0.5279051029514285,
    0.06051834131244132,
    0.0023352049762686918,
  );
  return (ONE_OVER_SQRT_PI - (z * above) / below) / y;
};

/** The complementary error function. */
export const erfc = (x: number): number => {
  const y = Math.abs(x);
  if (y <= 0.46875) return 1 - erfSmall(x);
  const tail = y > 27 ? 0 : expMinusSquare(y) * erfcScaled(y);
  return x > 0 ? tail : 2 - tail;
};

/** exp(x * x) * erfc(x), which does not underflow where erfc does; x >= 0. */
export const erfcx = (x: number): number =>
  x <= 0.46875 ? Math.exp(x * x) * (1 - erfSmall(x)) : erfcScaled(x);

/** P(Z <= z) of a standard normal. */
export const normalCdf = (z: number): number => 0.5 * erfc(-z / Math.SQRT2);

/** The z with P(Z <= z) = p; infinite at 0 and 1. */
export const normalQuantile = (p: number): number => {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * central(0.180625 - q * q);
  const tail = q < 0 ? p : 1 - p;
  if (!(tail > 0)) return q < 0 ? -Infinity : Infinity;
  const z = tailQuantile(Math.sqrt(-Math.log(tail)));
  return q < 0 ? -z : z;
};

const central = (r: number): number =>
  polynomial(
    r,
    2509.0809287301227,
    33430.57558358813,
    67265.7709270087,
    45921.95393154987,
    13731.69376550946,
    1971.5909503065513,
    133.14166789178438,
    3.3871328727963665,
  ) /
  polynomial(
    r,
    5226.495278852854,
    28729.085735721943,
    39307.89580009271,
    21213.794301586597,
    5394.196021424751,
    687.1870074920579,
    42.31333070160091,
    1,
  );

const tailQuantile = (root: number): number => {
  if (root <= 5) {
    const r = root - 1.6;
    return (
      polynomial(
        r,
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
      ) /
      polynomial(
        r,
        1.0507500716444169e-9,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1,
      )
    );
  }
  const r = root - 5;
  return (
    polynomial(
      r,
      2.0103343992922881e-7,
      0.000027115555687434876,
      0.0012426609473880784,
      0.026532189526576124,
      0.29656057182850487,
      1.7848265399172913,
      5.463784911164114,
      6.657904643501103,
    ) /
    polynomial(
      r,
      2.0442631033899397e-15,
      1.421511758316446e-7,
      0.000018463183175100548,
      0.0007868691311456133,
      0.014875361290850615,
      0.1369298809227358,
      0.599832206555888,
      1,
    )
  );
};

/** P(a <= Z <= b) of a standard normal, precise in both tails. */
const between = (a: number, b: number): number =>
  a > 0 ? normalCdf(-a) - normalCdf(-b) : normalCdf(b) - normalCdf(a);

/** P(X <= x) of a normal truncated to [low, high]. */
export const truncatedNormalCdf = (
  x: number,
  mean: number,
  sd: number,
  low: number,
  high: number,
): number => {
  if (x <= low) return 0;
  if (x >= high) return 1;
  const a = (low - mean) / sd;
  return between(a, (x - mean) / sd) / between(a, (high - mean) / sd);
};

/** The x with P(X <= x) = q of a normal truncated to [low, high]. */
export const truncatedNormalQuantile = (
  q: number,
  mean: number,
  sd: number,
  low: number,
  high: number,
): number => {
  const a = (low - mean) / sd;
  const b = (high - mean) / sd;
  // Work in the tail that is nearer to zero probability, where doubles are dense.
  const z =
    a > 0
      ? -normalQuantile(normalCdf(-a) * (1 - q) + normalCdf(-b) * q)
      : normalQuantile(normalCdf(a) * (1 - q) + normalCdf(b) * q);
  return Math.min(high, Math.max(low, mean + sd * z));
};

/** The density at x of a normal truncated to [low, high]; 0 outside. */
export const truncatedNormalDensity = (
  x: number,
  mean: number,
  sd: number,
  low: number,
  high: number,
): number => {
  if (x < low || x > high) return 0;
  const z = (x - mean) / sd;
  const whole = between((low - mean) / sd, (high - mean) / sd);
  return Math.exp(-(z * z) / 2) / (sd * Math.sqrt(2 * Math.PI) * whole);
};
