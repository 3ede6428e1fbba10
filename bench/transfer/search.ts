import type { EarlierResults } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { Task } from "./families.ts";

/** One study of Hone: its trials in order. */
export interface Searched {
  readonly points: readonly Float64Array[];
  readonly values: readonly number[];
}

export interface Search {
  readonly algorithm: AlgorithmName;
  readonly trials: number;
  readonly seed: number;
  readonly earlier?: readonly EarlierResults[];
}

export const search = (task: Task, { algorithm, trials, seed, earlier = [] }: Search): Searched => {
  const space = compileSpace(task.space);
  const rows: HistoryRow[] = [];
  for (let number = 0; number < trials; number++) {
    const [proposal] = askAlgorithm({
      problem: {
        space,
        objectives: 1,
        budget: { trials, parallel: 1 },
        ...(earlier.length > 0 && { earlier }),
      },
      choice: { name: algorithm },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed,
      firstNumber: number,
    }).proposals;
    if (proposal === undefined) break;
    rows.push({ number, x: proposal.x, y: [task.value(fromCube(space, proposal.x))] });
  }
  return {
    points: rows.map(({ x }) => Float64Array.from(x)),
    values: rows.map(({ y }) => y![0]!),
  };
};

/** What a study hands on: its results, best first, as the service hands them on. */
export const handedOn = ({ points, values }: Searched): EarlierResults => {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const d = points[0]!.length;
  const x = new Float64Array(order.length * d);
  for (const [row, i] of order.entries()) x.set(points[i]!, row * d);
  return { n: order.length, x, y: Float64Array.from(order, (i) => values[i]!), unknown: new Uint8Array(d) };
};
