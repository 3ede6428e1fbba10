/**
 * A 32-bit hash of a whole number (the finaliser of MurmurHash3): neighbouring numbers get unrelated hashes, each of 32 bits its own.
 * @returns an integer in [0, 2^32).
 */
export const hashed = (n: number): number => {
  let h = n >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};
