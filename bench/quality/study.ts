import { createRandom } from "../../shared/numerics/random.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import type { Lines } from "./lines.ts";
import type { Result, Traced } from "./results.ts";
import { type Searcher, versionOf } from "./searchers.ts";
import type { Task } from "./suite.ts";

interface Opened {
  readonly space: SpaceDefinition;
  readonly objectives: readonly string[];
  readonly outcomes: readonly { readonly metric: string; readonly max: number }[];
  readonly reference: readonly number[] | null;
  readonly best: number | null;
  readonly typical: number | null;
}

interface Open {
  readonly id: number;
  readonly params: Params;
}

/** Runs one study: `parallel` trials are always open, and end in random order. */
export const runStudy = async (
  searcher: Searcher,
  problems: Lines,
  { searcher: name, problem, seed, trials, parallel }: Task,
): Promise<Result> => {
  const opened = await problems.request<Opened>({ do: "open", problem, seed });
  const { space, objectives, outcomes, reference, best, typical } = opened;
  const run = await searcher.begin({
    space,
    objectives: objectives.length,
    outcomes: outcomes.length,
    seed,
    trials,
    parallel,
  });
  const random = createRandom(seed, 0x62656e63);
  const open: Open[] = [];
  const trace: Traced[] = [];
  for (let asked = 0; trace.length < trials; ) {
    while (asked < trials && open.length < parallel) {
      open.push(await run.ask());
      asked++;
    }
    const [{ id, params }] = open.splice(random.integer(open.length), 1) as [Open];
    const reply = await problems.request<{ values: Record<string, number>; true: number }>({
      do: "value",
      params,
    });
    const values = objectives.map((metric) => reply.values[metric]!);
    const excess = outcomes.map(({ metric, max }) => reply.values[metric]! - max);
    await run.tell(id, values, excess);
    trace.push({ values, value: reply.true, isFeasible: excess.every((v) => v <= 0) });
  }
  const seconds = run.seconds();
  return {
    searcher: name,
    version: versionOf(name),
    problem,
    seed,
    parallel,
    trials,
    best,
    typical,
    reference,
    seconds,
    trace,
  };
};
