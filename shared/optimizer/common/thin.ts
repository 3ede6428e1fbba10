/** Fewer of many items, for models whose cost grows fast with their number. */

/** Which item of a stretch is kept. */
type Kept = "first" | "middle" | "last";

const indexIn: Readonly<Record<Kept, (k: number, length: number, most: number) => number>> = {
  first: (k, length, most) => Math.floor((k * length) / most),
  middle: (k, length, most) => Math.floor(((k + 0.5) * length) / most),
  last: (k, length, most) => Math.ceil(((k + 1) * length) / most) - 1,
};

/** At most `most` of the items, evenly spread over their order: one of each of `most` equal stretches. */
export const thinEvenly = <T>(items: readonly T[], most: number, kept: Kept): readonly T[] =>
  items.length <= most
    ? items
    : Array.from({ length: most }, (_, k) => items[indexIn[kept](k, items.length, most)]!);

/** The first half of `most`, and the rest evenly thinned: of items in order of merit, the best and a sample of the others. */
export const keepBest = <T>(ordered: readonly T[], most: number, kept: Kept): readonly T[] => {
  if (ordered.length <= most) return ordered;
  const half = most >> 1;
  return [...ordered.slice(0, half), ...thinEvenly(ordered.slice(half), most - half, kept)];
};

/** The first half of `most`, and every item whose position is a multiple of a fixed step: up to `most` in total. */
export const keepBestByStep = <T>(ordered: readonly T[], most: number): readonly T[] => {
  if (ordered.length <= most) return ordered;
  const half = most >> 1;
  const step = Math.ceil((ordered.length - half) / half);
  return ordered.filter((_, k) => k < half || k % step === 0);
};
