/**
 * Random letters: as many bytes as letters, so of 32 letters each is as likely as any other.
 * @param randomBytes uniform bytes. @param alphabet as many letters as divide 256 evenly.
 */
export const randomLetters = (
  randomBytes: (count: number) => Uint8Array,
  alphabet: string,
  count: number,
): string => Array.from(randomBytes(count), (byte) => alphabet[byte % alphabet.length]).join("");
