import { createRandom } from "../../shared/numerics/random.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { addTrials } from "../../shared/service/trials/add.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { noReceipt } from "../../test/support/service.ts";

/** A space of ten mixed parameters. */
export const space: SpaceDefinition = {
  lr: { type: "float", low: 1e-5, high: 0.1, scale: "log" },
  decay: { type: "float", low: 1e-6, high: 1, scale: "log" },
  momentum: { type: "float", low: 0, high: 0.99 },
  dropout: { type: "float", low: 0, high: 0.8 },
  layers: { type: "int", low: 1, high: 8 },
  batch: { type: "int", low: 32, high: 1024, step: 32 },
  width: { type: "int", low: 16, high: 2048, scale: "log" },
  optimizer: { type: "categorical", choices: ["sgd", "adam", "lamb"] },
  activation: { type: "categorical", choices: ["relu", "gelu"] },
  size: { type: "ordinal", choices: ["small", "medium", "large"] },
};

/** Values of a trial: a loss with one optimum, and the cost of the network. */
export const valuesOf = (params: Readonly<Record<string, unknown>>) => ({
  loss: Math.abs(Math.log10(Number(params.lr)) + 3) + Number(params.dropout) + Number(params.layers) / 8,
  weights: Number(params.layers) * Number(params.width),
});

/** Trials per import call: about as many as a fold puts into a segment. */
const AT_ONCE = 250;

/** Imports finished trials, drawn at random. */
export const fill = async (deps: ServiceDeps, study: LoadedStudy, count: number): Promise<void> => {
  const random = createRandom(7);
  for (let done = 0; done < count; done += AT_ONCE) {
    const trials = Array.from({ length: Math.min(AT_ONCE, count - done) }, () => {
      const params = fromCube(study.space, sampleCube(study.space, random));
      return { params, values: valuesOf(params) };
    });
    await addTrials(deps, study, { trials }, noReceipt);
  }
};
