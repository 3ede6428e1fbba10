/**
 * The rows that no other row dominates; equal rows are all kept.
 * @param y Float64Array(n * m), by rows; lower is better in every column.
 * @returns rows in ascending order. Cost: O(n log n) for two columns, else O(n log n + n * front).
 */
export const paretoFront = (y: Float64Array, m: number): number[] => {
  const n = y.length / m;
  // In this order no row is dominated by a later one.
  const ordered = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => compareRows(a, b, y, m));
  return (m === 2 ? sweep(ordered, y) : sift(ordered, y, m)).sort((a, b) => a - b);
};

/** Orders rows by the first column, ties by the next: no row is dominated by a later one. */
export const compareRows = (a: number, b: number, y: Float64Array, m: number): number => {
  for (let j = 0; j < m; j++) {
    const difference = y[a * m + j]! - y[b * m + j]!;
    if (difference !== 0) return difference;
  }
  return 0;
};

/** Two columns: whatever comes later must be lower in the second one, or equal to the row that is lowest. */
const sweep = (ordered: Uint32Array, y: Float64Array): number[] => {
  const front: number[] = [];
  let lowest = -1;
  for (const row of ordered) {
    if (lowest >= 0 && !(y[2 * row + 1]! < y[2 * lowest + 1]!) && compareRows(row, lowest, y, 2) !== 0)
      continue;
    front.push(row);
    lowest = row;
  }
  return front;
};

const sift = (ordered: Uint32Array, y: Float64Array, m: number): number[] => {
  const front: number[] = [];
  for (const row of ordered) {
    const k = front.findIndex((other) => dominates(other, row, y, m));
    if (k < 0) {
      front.push(row);
      continue;
    }
    // A row that dominates one row often dominates others: compare with it sooner.
    const sooner = k >> 1;
    [front[sooner], front[k]] = [front[k]!, front[sooner]!];
  }
  return front;
};

/** Whether row a is nowhere worse than row b, and somewhere better. */
export const dominates = (a: number, b: number, y: Float64Array, m: number): boolean => {
  let isBetter = false;
  for (let j = 0; j < m; j++) {
    const difference = y[a * m + j]! - y[b * m + j]!;
    if (difference > 0) return false;
    if (difference < 0) isBetter = true;
  }
  return isBetter;
};
