import { createRandom } from "./random.ts";
import { SOBOL_DIRECTIONS } from "./sobol-directions.ts";

/**
 * Sobol's low-discrepancy sequence (Bratley and Fox 1988, direction numbers of Joe and Kuo 2008), each point computed
 * from its index alone. Scrambled by hashing as Owen does (nested uniform scrambling; Burley, "Practical hash-based
 * Owen scrambling", JCGT 2020; the hash is Laine and Karras 2011): every stratum of the sequence keeps exactly its
 * share of points, and another seed gives an independent sequence.
 */

const BITS = 32;
const TWO_POW_32 = 4294967296;

/** Dimensions with direction numbers; those beyond are padded with independent pseudo-random numbers. */
export const SOBOL_DIMENSIONS = 128;

/** The 32 direction numbers of each dimension, one after the other. */
const directions: Uint32Array = (() => {
  const v = new Uint32Array(SOBOL_DIMENSIONS * BITS);
  for (let bit = 0; bit < BITS; bit++) v[bit] = 2 ** (BITS - 1 - bit);
  for (const [row, text] of SOBOL_DIRECTIONS.trim().replaceAll("\n", "").split(";").entries()) {
    const [inner = 0, ...initial] = text.split(" ").map(Number);
    const degree = initial.length;
    const own = v.subarray((row + 1) * BITS, (row + 2) * BITS);
    for (let bit = 0; bit < BITS; bit++) {
      if (bit < degree) {
        own[bit] = initial[bit]! * 2 ** (BITS - 1 - bit);
        continue;
      }
      let next = own[bit - degree]! ^ (own[bit - degree]! >>> degree);
      for (let k = 1; k < degree; k++) {
        if ((inner >>> (degree - 1 - k)) & 1) next ^= own[bit - k]!;
      }
      own[bit] = next;
    }
  }
  return v;
})();

const reverseBits = (x: number): number => {
  let y = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  y = ((y >>> 2) & 0x33333333) | ((y & 0x33333333) << 2);
  y = ((y >>> 4) & 0x0f0f0f0f) | ((y & 0x0f0f0f0f) << 4);
  y = ((y >>> 8) & 0x00ff00ff) | ((y & 0x00ff00ff) << 8);
  return (y >>> 16) | (y << 16);
};

/** Flips each bit by a hash of the bits above it, so that nested intervals stay nested. */
const scramble = (x: number, seed: number): number => {
  let y = reverseBits(x);
  y ^= Math.imul(y, 0x3d20adea);
  y = (y + seed) | 0;
  y = Math.imul(y, (seed >>> 16) | 1);
  y ^= Math.imul(y, 0x05526c56);
  y ^= Math.imul(y, 0x53a22864);
  return reverseBits(y);
};

/** A dimension of the `index`-th point as a 32-bit integer. */
const sobolInteger = (index: number, dimension: number): number => {
  let x = 0;
  for (let gray = index ^ (index >>> 1), bit = 0; gray !== 0; gray >>>= 1, bit++) {
    if (gray & 1) x ^= directions[dimension * BITS + bit]!;
  }
  return x;
};

/**
 * The `index`-th point of the sequence, unscrambled.
 * @param index from 0 to 2^32 - 1.
 * @param d at most 128.
 * @returns d numbers in [0, 1).
 */
export const sobolPoint = (index: number, d: number): Float64Array =>
  Float64Array.from({ length: d }, (_, dimension) => (sobolInteger(index, dimension) >>> 0) / TWO_POW_32);

/**
 * The `index`-th point of the sequence that `seed` scrambles.
 * @param index from 0 to 2^32 - 1.
 * @param d any number; dimensions beyond 128 are independent pseudo-random numbers.
 * @returns d numbers in (0, 1).
 */
export const scrambledSobolPoint = (index: number, d: number, seed: number): Float64Array => {
  const padding = d > SOBOL_DIMENSIONS ? createRandom(seed, index, SOBOL_DIMENSIONS) : null;
  return Float64Array.from({ length: d }, (_, dimension) => {
    if (padding !== null && dimension >= SOBOL_DIMENSIONS) return padding.uniform();
    const key = createRandom(seed, dimension).integer(TWO_POW_32);
    return ((scramble(sobolInteger(index, dimension), key | 0) >>> 0) + 0.5) / TWO_POW_32;
  });
};
