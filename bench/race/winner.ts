import type { HistoryRow } from "../../shared/optimizer/common/history.ts";
import { mean } from "../statistics.ts";

/** As a study's `best`: the best mean of those with the most results. */
export const winnerOf = (rows: readonly HistoryRow[]): ArrayLike<number> => {
  const costs = new Map<number, number[]>();
  for (const { configuration = 0, y } of rows) {
    costs.set(configuration, [...(costs.get(configuration) ?? []), y?.[0] ?? Number.NaN]);
  }
  const most = Math.max(...[...costs.values()].map(({ length }) => length));
  const full = [...costs].filter(([, { length }]) => length === most);
  const [best] = full.sort(([, a], [, b]) => mean(a) - mean(b))[0] ?? [0];
  return rows[best]?.x ?? [];
};
