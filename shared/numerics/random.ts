/**
 * Seeded pseudo-random numbers. The only source of randomness in the core: a function that needs it takes a Random.
 */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform integer in [0, n). */
  integer(n: number): number;
  /** Standard normal. */
  normal(): number;
}

const TWO_POW_32 = 4294967296;

/** Mixes a 32-bit word into a 32-bit state (the finaliser of MurmurHash3). */
const mix = (state: number, word: number): number => {
  let h = Math.imul(state ^ word, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/**
 * xoshiro128** (Blackman and Vigna 2018), its state filled by mixing the seed's words, so that neighbouring seeds
 * give independent streams.
 * @param words any integers; together they name the stream.
 */
export const createRandom = (...words: number[]): Random => {
  const state = new Uint32Array(4);
  for (let lane = 0; lane < 4; lane++) {
    let h = mix(0x9e3779b9, lane + 1);
    for (const word of words) {
      h = mix(h, word >>> 0);
      h = mix(h, Math.floor(Math.abs(word) / TWO_POW_32) >>> 0);
    }
    state[lane] = mix(h, 0x243f6a88 + lane);
  }
  if (state.every((word) => word === 0)) state[0] = 1;

  const next = (): number => {
    const product = Math.imul(state[1]!, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = (state[3]! << 11) | (state[3]! >>> 21);
    return result;
  };

  const uniform = (): number => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;

  let spare: number | null = null;
  const normal = (): number => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    // Marsaglia's polar method: two normals from a point in the unit disc.
    for (;;) {
      const u = 2 * uniform() - 1;
      const v = 2 * uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const factor = Math.sqrt((-2 * Math.log(s)) / s);
        spare = v * factor;
        return u * factor;
      }
    }
  };

  return {
    uniform,
    integer: (n) => Math.floor(uniform() * n),
    normal,
  };
};
