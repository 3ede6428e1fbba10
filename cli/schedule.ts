import type { LineageSegment } from "../shared/schemas/trial.ts";
import { short } from "./best.ts";
import { aligned } from "./table.ts";

/**
 * A run's schedule for a person: a row per segment, with the settings that changed.
 * @param unit of the resource.
 */
export const scheduleTable = (unit: string, lineage: readonly LineageSegment[]): string[] => {
  if (lineage.length === 0) return [];
  const rows = lineage.map(({ number, from, to, params, values }, i) => [
    `${from}-${to}`,
    String(number),
    Object.entries(values ?? {})
      .map(([metric, value]) => `${metric} ${short(value)}`)
      .join(" "),
    changed(params, lineage[i - 1]?.params ?? {}),
  ]);
  return ["schedule of the best run:", ...aligned([[unit, "trial", "values", "settings"], ...rows])];
};

const changed = (params: LineageSegment["params"], before: LineageSegment["params"]): string => {
  const names = Object.keys(params).filter((name) => params[name] !== before[name]);
  const texts = names.map((name) => {
    const value = params[name];
    return `${name} ${typeof value === "number" ? short(value) : JSON.stringify(value)}`;
  });
  return texts.join(", ") || "as before";
};
