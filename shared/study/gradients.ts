import { type FieldError, InvalidInput } from "../errors.ts";
import { pointerTo } from "../json-pointer.ts";
import { algorithmOf } from "../optimizer/choice.ts";
import type { Gradients } from "../schemas/trial.ts";
import { relaxedAt } from "../space/axis.ts";
import { isNumeric } from "../space/space.ts";
import type { StoredGradients } from "../store/trial.ts";
import type { Params } from "../values.ts";
import type { LoadedStudy, StudySpec } from "./study.ts";

/** Whether trials of a study may be told with gradients. */
export const takesGradients = ({ objectives }: Pick<StudySpec, "objectives">): boolean =>
  objectives[0]?.gradients === true;

/** What of a new study does not go together with gradients. */
export const checkGradients = ({ objectives, algorithm, evaluation }: StudySpec): FieldError[] => {
  const at = objectives.findIndex(({ gradients }) => gradients === true);
  if (at < 0) {
    return algorithm.name === "gradient"
      ? [{ pointer: "/objectives/0/gradients", fault: { kind: "gradients-needed" } }]
      : [];
  }
  const pointer = `/objectives/${at}/gradients`;
  if (objectives.length > 1)
    return [{ pointer, fault: { kind: "gradients-of-several", objectives: objectives.length } }];
  if (evaluation !== undefined) return [{ pointer, fault: { kind: "gradients-with-runs" } }];
  return algorithmOf(algorithm).gradients !== undefined
    ? []
    : [{ pointer, fault: { kind: "gradients-unused", algorithm: algorithm.name } }];
};

/**
 * Checks told gradients against the study and the trial.
 * @throws InvalidInput naming every fault below `/gradients`.
 */
export const refuseWrongGradients = (
  { spec, space }: LoadedStudy,
  params: Params,
  { metric, values }: Gradients,
): void => {
  const [objective] = spec.objectives;
  const faults: FieldError[] = [];
  if (objective === undefined || !takesGradients(spec)) {
    faults.push({ pointer: "/gradients", fault: { kind: "gradients-unexpected" } });
  } else if (objective.metric !== metric) {
    const fault = { kind: "gradients-of-other-metric", metric, objective: objective.metric } as const;
    faults.push({ pointer: "/gradients/metric", fault });
  }
  for (const name of Object.keys(values)) {
    const parameter = space.byName.get(name);
    const pointer = `/gradients/values${pointerTo([name])}`;
    if (parameter === undefined || !Object.hasOwn(params, name)) {
      faults.push({ pointer, fault: { kind: "gradient-of-nothing", parameter: name } });
    } else if (!isNumeric(parameter)) {
      faults.push({ pointer, fault: { kind: "gradient-of-choice", parameter: name } });
    }
  }
  if (faults.length > 0) throw new InvalidInput(faults);
};

/**
 * Told derivatives as those of the cost by the coordinates of the unit cube, one per parameter; NaN where unknown.
 * @param x the trial's point.
 */
export const slopesOf = (
  { spec, space }: Pick<LoadedStudy, "spec" | "space">,
  x: Float64Array,
  { space: by, values }: StoredGradients,
): Float64Array => {
  const sign = spec.objectives[0]?.direction === "maximize" ? -1 : 1;
  return Float64Array.from(space.parameters, (parameter, j) => {
    const told = values[parameter.name];
    if (told === undefined || !isNumeric(parameter)) return Number.NaN;
    return sign * told * (by === "raw" ? relaxedAt(parameter, x[j] ?? 0).slope : parameter.span);
  });
};
