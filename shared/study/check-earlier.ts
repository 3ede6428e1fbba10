import type { FieldError } from "../errors.ts";
import { pointerTo } from "../json-pointer.ts";
import type { EarlierStudy } from "../schemas/warm-start.ts";
import { nameHere } from "../space/adopt.ts";
import { listed } from "../space/faults.ts";
import { checkValue } from "../space/validate.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * What is wrong with an earlier study that a new one names.
 * @param before those that it names before this one.
 * @returns faults whose pointers begin at the entry: "/rename/lr".
 */
export const checkEarlier = (
  study: LoadedStudy,
  source: LoadedStudy,
  asked: EarlierStudy,
  before: readonly EarlierStudy[],
): FieldError[] => {
  if (before.some((one) => one.study === asked.study))
    return [{ pointer: "/study", fault: { kind: "earlier-twice", study: asked.study } }];
  if (source.spec.nested !== undefined)
    return [{ pointer: "/study", fault: { kind: "earlier-nested", study: source.id } }];
  const faults = [
    ...checkRename(study, source, asked),
    ...checkMetrics(study, source, asked),
    ...checkAssumed(study, source, asked),
  ];
  return faults.length > 0 ? faults : checkCommon(study, source, asked);
};

const checkRename = (study: LoadedStudy, source: LoadedStudy, { rename = {} }: EarlierStudy): FieldError[] =>
  Object.entries(rename).flatMap(([name, here], i): FieldError[] => {
    const pointer = `/rename${pointerTo([name])}`;
    if (!source.space.byName.has(name)) {
      const { id, space } = source;
      return [
        { pointer, fault: { kind: "earlier-parameter", study: id, name, ...listed(space.byName.keys()) } },
      ];
    }
    if (!study.space.byName.has(here))
      return [
        { pointer, fault: { kind: "unknown-parameter", name: here, ...listed(study.space.byName.keys()) } },
      ];
    const isTwice = Object.values(rename).indexOf(here) < i;
    return isTwice ? [{ pointer, fault: { kind: "renamed-twice", name: here } }] : [];
  });

/** Each objective must be one of the earlier study's: what it calls better must be better here. */
const checkMetrics = (
  study: LoadedStudy,
  source: LoadedStudy,
  { metrics = {} }: EarlierStudy,
): FieldError[] => {
  const known = source.spec.objectives.map(({ metric, direction }) => ({
    metric: nameHere(metric, { rename: metrics }),
    direction,
  }));
  return study.spec.objectives.flatMap(({ metric, direction }): FieldError[] => {
    const same = known.find((one) => one.metric === metric);
    if (same?.direction === direction) return [];
    const { objectives } = source.spec;
    return [
      {
        pointer: "",
        fault: { kind: "earlier-objective", study: source.id, metric, direction, objectives },
      },
    ];
  });
};

const checkAssumed = (study: LoadedStudy, source: LoadedStudy, asked: EarlierStudy): FieldError[] => {
  const { assume = {}, rename = {} } = asked;
  const there = new Set(source.space.parameters.map(({ name }) => nameHere(name, { rename })));
  return Object.entries(assume).flatMap(([name, value]): FieldError[] => {
    const pointer = `/assume${pointerTo([name])}`;
    const parameter = study.space.byName.get(name);
    if (parameter === undefined)
      return [{ pointer, fault: { kind: "unknown-parameter", name, ...listed(study.space.byName.keys()) } }];
    if (there.has(name)) return [{ pointer, fault: { kind: "assumed-known", study: source.id, name } }];
    const fault = checkValue(parameter, value);
    return fault === null ? [] : [{ pointer, fault }];
  });
};

const checkCommon = (study: LoadedStudy, source: LoadedStudy, { rename = {} }: EarlierStudy): FieldError[] =>
  source.space.parameters.some(({ name }) => study.space.byName.has(nameHere(name, { rename })))
    ? []
    : [{ pointer: "", fault: { kind: "earlier-nothing-common", study: source.id } }];
