/**
 * The k-th smallest of some numbers, counted from 0, without sorting them all (quickselect, Hoare 1961). O(n) on average.
 * @param values no NaN; not changed.
 */
export const smallestAt = (values: Float64Array, k: number): number => {
  const v = values.slice();
  let low = 0;
  let high = v.length - 1;
  while (low < high) {
    const pivot = v[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (v[i]! < pivot) i++;
      while (v[j]! > pivot) j--;
      if (i > j) break;
      [v[i], v[j]] = [v[j]!, v[i]!];
      i++;
      j--;
    }
    // Between j and i all equal the pivot.
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return v[k]!;
};
