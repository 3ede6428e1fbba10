/**
 * A 128-bit hash of a text, as 32 hexadecimal digits; not cryptographic. Four lanes of the finaliser of MurmurHash3,
 * each from its own start, over the UTF-16 code units.
 */
export const hash128 = (text: string): string => {
  const lanes = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  return lanes
    .map((start) => {
      let h = start ^ text.length;
      for (let i = 0; i < text.length; i++) {
        h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca6b);
        h ^= h >>> 13;
        h = Math.imul(h, 0xc2b2ae35);
        h ^= h >>> 16;
      }
      return (h >>> 0).toString(16).padStart(8, "0");
    })
    .join("");
};
