/**
 * Random letters, a byte for each; all are equally likely if the length of the alphabet divides 256 evenly.
 * @param randomBytes uniform bytes.
 */
export const randomLetters = (
  randomBytes: (count: number) => Uint8Array,
  alphabet: string,
  count: number,
): string => Array.from(randomBytes(count), (byte) => alphabet[byte % alphabet.length]).join("");
