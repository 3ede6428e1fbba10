import type { Random } from "./random.ts";

/**
 * Regression trees and forests. A feature is a number or a category (a small whole number from 0); categories are
 * split into subsets. Trees are flat arrays. Source: Breiman 2001; thresholds are drawn between the two neighbouring values, as in SMAC's forest
 * (Hutter et al. 2011, section 4.1), which makes the mean of the trees smoother.
 */

export interface Tree {
  /** The feature that a node splits on, or -1 at a leaf. */
  readonly feature: Int16Array;
  /** Numbers up to it go left; of a category feature, the bits of those that go left. */
  readonly threshold: Float64Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

export interface Forest {
  readonly trees: readonly Tree[];
  readonly width: number;
  readonly isCategory: Uint8Array;
}

export interface ForestOptions {
  readonly trees: number;
  /** Nodes with fewer rows are not split. */
  readonly smallest: number;
  /** Features considered for a split, as a part of all. */
  readonly share: number;
}

/** Categories beyond this number share the last bit. */
const MOST_CATEGORIES = 32;

const bitOf = (value: number): number => 1 << Math.min(MOST_CATEGORIES - 1, value);

/**
 * Grows a forest, each tree on a bootstrap sample. Numbers are sorted once: a node keeps its rows in the order of each
 * feature by dividing those of its parent, which takes O(n * features) per level of a tree.
 * @param x n rows of `isCategory.length` features.
 */
export const growForest = (
  x: Float64Array,
  y: Float64Array,
  isCategory: Uint8Array,
  options: ForestOptions,
  random: Random,
): Forest => {
  const n = y.length;
  const data = columnsOf(x, y, isCategory);
  const trees = Array.from({ length: options.trees }, () => {
    const times = new Uint32Array(n);
    for (let i = 0; i < n; i++) times[random.integer(n)]! += 1;
    return growTree(data, times, options, random);
  });
  return { trees, width: isCategory.length, isCategory };
};

interface Data {
  readonly y: Float64Array;
  /** The values of each feature, and whether they are categories. */
  readonly columns: readonly Float64Array[];
  readonly isCategory: Uint8Array;
  /** All rows in the order of each feature; of a category as they are. */
  readonly orders: readonly Int32Array[];
}

const columnsOf = (x: Float64Array, y: Float64Array, isCategory: Uint8Array): Data => {
  const width = isCategory.length;
  const columns = Array.from(isCategory, (_, j) => Float64Array.from(y, (_, i) => x[i * width + j]!));
  const orders = columns.map((column, j) => {
    const order = Int32Array.from(y, (_, i) => i);
    return isCategory[j] ? order : order.sort((a, b) => column[a]! - column[b]!);
  });
  return { y, columns, isCategory, orders };
};

const growTree = (
  data: Data,
  times: Uint32Array,
  { smallest, share }: ForestOptions,
  random: Random,
): Tree => {
  const { y, columns, isCategory } = data;
  const n = y.length;
  const most = 2 * n;
  const tree = {
    feature: new Int16Array(most).fill(-1),
    threshold: new Float64Array(most),
    left: new Int32Array(most),
    right: new Int32Array(most),
    mean: new Float64Array(most),
    variance: new Float64Array(most),
  };
  // A list of the sample's rows for each feature that is a number, in its order, and one for all categories.
  const listOf = (order: Int32Array): Int32Array => {
    const list = new Int32Array(n);
    let end = 0;
    for (const row of order) for (let k = times[row]!; k > 0; k--) list[end++] = row;
    return list;
  };
  const plain = listOf(Int32Array.from(y, (_, i) => i));
  const lists = data.orders.map((order, j) => (isCategory[j] ? plain : listOf(order)));
  const parted = [plain, ...lists.filter((list) => list !== plain)];
  const isLeft = new Uint8Array(n);
  const later = new Int32Array(n);
  const growing: Growing = {
    data,
    lists,
    share,
    random,
    sums: new Float64Array(MOST_CATEGORIES),
    counts: new Int32Array(MOST_CATEGORIES),
  };
  let nodes = 1;
  const open: [node: number, from: number, to: number][] = [[0, 0, n]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, from, to] = next;
    const count = to - from;
    let sum = 0;
    let squares = 0;
    for (let i = from; i < to; i++) sum += y[plain[i]!]!;
    const mean = sum / count;
    for (let i = from; i < to; i++) squares += (y[plain[i]!]! - mean) ** 2;
    tree.mean[node] = mean;
    tree.variance[node] = squares / count;
    if (count < smallest || squares <= 1e-24 * count * (1 + mean * mean)) continue;
    const split = bestSplit(growing, { from, to, total: sum });
    if (split === null) continue;
    const column = columns[split.feature]!;
    const isSubset = isCategory[split.feature]!;
    for (let i = from; i < to; i++) {
      const row = plain[i]!;
      isLeft[row] = Number(goesLeft(column[row]!, split.threshold, isSubset));
    }
    let middle = from;
    for (const list of parted) middle = partition(list, from, to, isLeft, later);
    tree.feature[node] = split.feature;
    tree.threshold[node] = split.threshold;
    tree.left[node] = nodes;
    tree.right[node] = nodes + 1;
    open.push([nodes, from, middle], [nodes + 1, middle, to]);
    nodes += 2;
  }
  return {
    feature: tree.feature.slice(0, nodes),
    threshold: tree.threshold.slice(0, nodes),
    left: tree.left.slice(0, nodes),
    right: tree.right.slice(0, nodes),
    mean: tree.mean.slice(0, nodes),
    variance: tree.variance.slice(0, nodes),
  };
};

/** What the splits of one tree have in common. */
interface Growing {
  readonly data: Data;
  /** Per feature the rows of the sample, those of a node next to each other; of a number in its order. */
  readonly lists: readonly Int32Array[];
  /** Features considered for a split, as a part of all. */
  readonly share: number;
  readonly random: Random;
  /** Scratch of `bestSubset`, one entry per category. */
  readonly sums: Float64Array;
  readonly counts: Int32Array;
}

/** A node's rows, by their positions in the lists, and the sum of their targets. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly total: number;
}

interface Split {
  readonly feature: number;
  readonly threshold: number;
  /** Sum over both sides of count * mean^2: the larger, the less variance is left. */
  readonly gain: number;
}

/** The split of the chosen features that leaves the least variance; null when no feature varies. */
const bestSplit = (growing: Growing, range: Range): Split | null => {
  const { data, share, random } = growing;
  const width = data.isCategory.length;
  const features = Array.from({ length: width }, (_, j) => j);
  const wanted = Math.max(1, Math.round(share * width));
  let best: Split | null = null;
  for (let tried = 0, k = 0; k < width && (tried < wanted || best === null); k++) {
    const other = k + random.integer(width - k);
    [features[k], features[other]] = [features[other]!, features[k]!];
    const j = features[k]!;
    const split = data.isCategory[j] ? bestSubset(growing, j, range) : bestThreshold(growing, j, range);
    tried++;
    if (split !== null && (best === null || split.gain > best.gain)) best = split;
  }
  return best;
};

/** The best split of a number. */
const bestThreshold = (growing: Growing, j: number, { from, to, total }: Range): Split | null => {
  const { data, lists, random } = growing;
  const { y } = data;
  const column = data.columns[j]!;
  const sorted = lists[j]!;
  const count = to - from;
  let sum = 0;
  let gain = -Infinity;
  let at = -1;
  let value = column[sorted[from]!]!;
  for (let i = 1; i < count; i++) {
    sum += y[sorted[from + i - 1]!]!;
    const next = column[sorted[from + i]!]!;
    if (value === next) continue;
    value = next;
    const rest = total - sum;
    const here = (sum * sum) / i + (rest * rest) / (count - i);
    if (here > gain) {
      gain = here;
      at = from + i;
    }
  }
  if (at < 0) return null;
  const low = column[sorted[at - 1]!]!;
  const high = column[sorted[at]!]!;
  const threshold = low + (high - low) * random.uniform();
  return { feature: j, threshold: threshold < high ? threshold : low, gain };
};

/** Categories in order of their means: the best of all subsets is a beginning of that order (Fisher 1958). */
const bestSubset = (growing: Growing, j: number, { from, to, total }: Range): Split | null => {
  const { data, lists, sums, counts } = growing;
  const { y } = data;
  const column = data.columns[j]!;
  const rows = lists[j]!;
  sums.fill(0);
  counts.fill(0);
  for (let i = from; i < to; i++) {
    const row = rows[i]!;
    const k = Math.min(MOST_CATEGORIES - 1, column[row]!);
    sums[k]! += y[row]!;
    counts[k]! += 1;
  }
  const present: number[] = [];
  for (let k = 0; k < MOST_CATEGORIES; k++) if (counts[k]! > 0) present.push(k);
  if (present.length < 2) return null;
  present.sort((a, b) => sums[a]! / counts[a]! - sums[b]! / counts[b]!);
  let best: Split | null = null;
  let sum = 0;
  let count = 0;
  let bits = 0;
  for (const k of present.slice(0, -1)) {
    sum += sums[k]!;
    count += counts[k]!;
    bits |= bitOf(k);
    const rest = total - sum;
    const gain = (sum * sum) / count + (rest * rest) / (to - from - count);
    if (best === null || gain > best.gain) best = { feature: j, threshold: bits, gain };
  }
  return best;
};

const goesLeft = (value: number, threshold: number, isCategory: number): boolean =>
  isCategory ? (threshold & bitOf(value)) !== 0 : value <= threshold;

/** Moves the rows that go left before the others, both in the order they had; returns where the others begin. */
const partition = (
  list: Int32Array,
  from: number,
  to: number,
  isLeft: Uint8Array,
  later: Int32Array,
): number => {
  let middle = from;
  let others = 0;
  for (let i = from; i < to; i++) {
    const row = list[i]!;
    if (isLeft[row]) list[middle++] = row;
    else later[others++] = row;
  }
  for (let i = 0; i < others; i++) list[middle + i] = later[i]!;
  return middle;
};

/** The leaf of a tree that a row of x falls into. */
const leafOf = (tree: Tree, isCategory: Uint8Array, x: Float64Array, offset: number): number => {
  let node = 0;
  for (;;) {
    const feature = tree.feature[node]!;
    if (feature < 0) return node;
    const isLeft = goesLeft(x[offset + feature]!, tree.threshold[node]!, isCategory[feature]!);
    node = isLeft ? tree.left[node]! : tree.right[node]!;
  }
};

/**
 * Mean and variance over the trees: the variance of the trees' means and the mean of their leaves' variances (law of
 * total variance; Hutter et al. 2014, "Algorithm runtime prediction", section 4.3).
 * @param x `count` rows of features.
 */
export const predictForest = (
  { trees, width, isCategory }: Forest,
  x: Float64Array,
  count: number,
): { mean: Float64Array; variance: Float64Array } => {
  const mean = new Float64Array(count);
  const variance = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    let squares = 0;
    let within = 0;
    for (const tree of trees) {
      const leaf = leafOf(tree, isCategory, x, i * width);
      const value = tree.mean[leaf]!;
      sum += value;
      squares += value * value;
      within += tree.variance[leaf]!;
    }
    const m = sum / trees.length;
    mean[i] = m;
    variance[i] = Math.max(0, squares / trees.length - m * m) + within / trees.length;
  }
  return { mean, variance };
};
