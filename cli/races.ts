import type { Race } from "../shared/schemas/race.ts";
import { aligned } from "./table.ts";

/** Configurations named in a line. */
const NAMED = 8;

/**
 * Races for a person: who was run on which instance, and who left after it. Of those that are over only the result, unless all are asked
 * for.
 */
export const racesText = (races: readonly Race[], all: boolean): string[] =>
  races.flatMap((race, i) => (all || i === races.length - 1 ? wholeRace(race) : [lineOf(race)]));

const nameOf = ({ final, iteration }: Race) => (final ? "final race" : `race ${iteration}`);

const lineOf = (race: Race): string => {
  const [first] = race.steps;
  return `${nameOf(race)}: ${first?.alive ?? 0} configurations on ${race.steps.length} instances, left: ${named(race.survivors)}`;
};

const wholeRace = (race: Race): string[] => [
  `${nameOf(race)}${race.elites.length === 0 ? "" : `, elites ${named(race.elites)}`}`,
  ...aligned([
    ["  instance", "alive", "best", "p", "left the race"],
    ...race.steps.map(({ instance = 0, instanceName, alive, best, p, eliminated }) => [
      `  ${instanceName ?? instance}`,
      String(alive),
      best === null ? "running" : String(best),
      p === null ? "" : p.toPrecision(2),
      eliminated.length === 0 ? "" : named(eliminated),
    ]),
  ]).map((line) => line.trimEnd()),
  `  ${race.over ? "survivors, best first" : "still in the race"}: ${named(race.survivors)}`,
];

/** The numbers of configurations, the first few of many. */
const named = (configurations: readonly number[]): string => {
  const more = configurations.length - NAMED;
  const shown = configurations.slice(0, NAMED).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown || "none";
};
