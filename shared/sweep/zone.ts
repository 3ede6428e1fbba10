/** Time zones. A wall time is what the clocks of a zone show, as milliseconds that would be that time in UTC. */

export const DAY = 86_400_000;
const MINUTE = 60_000;

export interface Zone {
  readonly wallAt: (instant: number) => number;
  /** When clocks show a wall time, for the first time if they show it twice; null if they skip it. */
  readonly instantOf: (wall: number) => number | null;
}

const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::\d\d)?)?$/;

/** @param name as `isZone` accepts it. */
export const zoneOf = (name: string): Zone => {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  const offsetAt = (instant: number): number => {
    // No zone has had seconds in its offset since 1972.
    const [, sign = "+", hours = "0", minutes = "0"] = OFFSET.exec(format.format(instant)) ?? [];
    const size = (Number(hours) * 60 + Number(minutes)) * MINUTE;
    return sign === "-" ? -size : size;
  };
  return {
    wallAt: (instant) => instant + offsetAt(instant),
    instantOf: (wall) => {
      // No zone is a day ahead of UTC or behind it, and none changes its clocks twice within two days.
      const [before, after] = [offsetAt(wall - DAY), offsetAt(wall + DAY)];
      if (before === after) return wall - before;
      const [larger, smaller] = [Math.max(before, after), Math.min(before, after)];
      const found = [larger, smaller].find((offset) => offsetAt(wall - offset) === offset);
      return found === undefined ? null : wall - found;
    },
  };
};

export const UTC = "UTC";
const SHAPE = /^[A-Z][A-Za-z0-9_+-]*(\/[A-Z][A-Za-z0-9_+-]*)+$/;

/**
 * Whether a name is one of the IANA database, written as there. Offsets and abbreviations such as EST are none: EventBridge
 * does not know all of them.
 */
export const isZone = (name: string): boolean => {
  if (name === UTC) return true;
  const spelled = spelledZone(name);
  return SHAPE.test(name) && (spelled ?? name) === name && isKnown(name);
};

/** The name of the IANA database that differs in capital letters alone. */
export const spelledZone = (name: string): string | undefined =>
  Intl.supportedValuesOf("timeZone").find((known) => known.toLowerCase() === name.toLowerCase());

const isKnown = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
};
