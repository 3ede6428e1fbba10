import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Lines } from "../quality/lines.ts";
import type { Trained, Training } from "./hone.ts";
import { type Losses, type Outcome, outcomeOf, type Task } from "./outcome.ts";

/**
 * Settings that are kept to the end of each run, spread evenly on their scales: the first from bound to bound, a second by the golden
 * ratio. They are looked at after every segment, as those of population-based training are. No worker is killed.
 */

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Points of the unit square, or interval, of which each coordinate is spread evenly. */
export const spread = (population: number, dimensions: number): number[][] =>
  Array.from({ length: population }, (_, k) =>
    [population === 1 ? 0.5 : k / (population - 1), ((k + 0.5) * GOLDEN) % 1].slice(0, dimensions),
  );

export const fixedSearch = async (
  definition: SpaceDefinition,
  { population, epochs, segment }: Task,
  network: Lines,
): Promise<Outcome> => {
  const space = compileSpace(definition);
  const found: Losses[] = [];
  for (const [member, point] of spread(population, space.parameters.length).entries()) {
    const settings = fromCube(space, Float64Array.from(point));
    for (let done = 0; done < epochs; done += segment) {
      const trained = await network.request<Trained>({
        do: "train",
        name: `${member} ${done + segment}`,
        parent: done === 0 ? null : `${member} ${done}`,
        settings,
        epochs: segment,
        member,
        done,
      } satisfies Training);
      found.push(trained);
    }
  }
  return outcomeOf(found, { lost: 0, ended: population, finished: true });
};
