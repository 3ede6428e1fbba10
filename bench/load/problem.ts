import { createRandom } from "../../shared/numerics/random.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import type { Params } from "../../shared/values.ts";
import type { Answer, Target } from "./target.ts";

/** Eight parameters, as in a usual study of a neural network. */
const space: SpaceDefinition = {
  learningRate: { type: "float", low: 1e-5, high: 0.1, scale: "log" },
  weightDecay: { type: "float", low: 1e-6, high: 1, scale: "log" },
  momentum: { type: "float", low: 0, high: 0.99 },
  dropout: { type: "float", low: 0, high: 0.8 },
  layers: { type: "int", low: 1, high: 8 },
  width: { type: "int", low: 16, high: 2048, scale: "log" },
  optimizer: { type: "categorical", choices: ["sgd", "adam", "lamb"] },
  activation: { type: "categorical", choices: ["relu", "gelu"] },
};

/** A study that the load never finishes and whose leases it never outlives. */
export const studyBody = (algorithm: CreateStudyBody["algorithm"]): CreateStudyBody => ({
  name: "load",
  space,
  objectives: [{ metric: "loss", direction: "minimize" }],
  algorithm,
  budget: { trials: 1_000_000, parallel: 10_000 },
  lease: { seconds: 86_400, maxAttempts: 3 },
});

export const valuesOf = (params: Params) => ({
  loss:
    Math.abs(Math.log10(Number(params.learningRate)) + 3) +
    Number(params.dropout) +
    Number(params.layers) / 8,
});

/** Finished trials per import, and trials that an ask leases at most. */
const IMPORTED = 250;
const LEASED = 90;

const done = <T>(answer: Answer<T>): T | null => {
  if (answer.status === 200 || answer.status === 201) return answer.body;
  throw new Error(`The load could not be prepared: status ${answer.status}.`);
};

/** Gives a study finished trials, and running ones that nobody tells. */
export const prepare = async (target: Target, finished: number, running: number): Promise<void> => {
  const random = createRandom(7);
  const compiled = compileSpace(space);
  const draw = (count: number) =>
    Array.from({ length: count }, () => ({ params: fromCube(compiled, sampleCube(compiled, random)) }));
  for (let left = finished; left > 0; left -= IMPORTED) {
    const trials = draw(Math.min(IMPORTED, left));
    done(await target.add(trials.map(({ params }) => ({ params, values: valuesOf(params) }))));
  }
  for (let left = running; left > 0; left -= LEASED) {
    const count = Math.min(LEASED, left);
    done(await target.add(draw(count)));
    const trials = done(await target.ask(`absent-${left}`, count));
    if (trials?.length !== count)
      throw new Error("The load could not be prepared: not all trials were leased.");
  }
};
