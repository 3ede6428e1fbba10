import type { History } from "../algorithm.ts";

/**
 * A history of some rows of another one, in the order given, with its own copies of all columns.
 * @param rows ascending, so that trial numbers stay in order.
 */
export const selectRows = (history: History, rows: ArrayLike<number>): History => {
  const { n: before, parent, bracket, rung, instance, configuration, iteration, gradient, levels } = history;
  const n = rows.length;
  const wide = (column: Float64Array): Float64Array => {
    const width = before > 0 ? column.length / before : 0;
    const chosen = new Float64Array(n * width);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < width; j++) chosen[i * width + j] = column[rows[i]! * width + j]!;
    }
    return chosen;
  };
  const places = (column: Int32Array) => Int32Array.from({ length: n }, (_, i) => column[rows[i]!]!);
  return {
    n,
    number: Uint32Array.from({ length: n }, (_, i) => history.number[rows[i]!]!),
    x: wide(history.x),
    y: wide(history.y),
    violation: wide(history.violation),
    excess: wide(history.excess),
    kind: Uint8Array.from({ length: n }, (_, i) => history.kind[rows[i]!]!),
    resource: wide(history.resource),
    ...(history.results && {
      results: Uint32Array.from({ length: n }, (_, i) => history.results![rows[i]!]!),
    }),
    ...(parent && { parent: places(parent) }),
    ...(history.checkpoint && {
      checkpoint: Uint8Array.from({ length: n }, (_, i) => history.checkpoint![rows[i]!]!),
    }),
    ...(bracket && { bracket: places(bracket) }),
    ...(rung && { rung: places(rung) }),
    ...(instance && { instance: places(instance) }),
    ...(configuration && { configuration: places(configuration) }),
    ...(iteration && { iteration: places(iteration) }),
    ...(gradient && { gradient: wide(gradient) }),
    ...(levels && { levels: { ...levels, value: wide(levels.value) } }),
  };
};
