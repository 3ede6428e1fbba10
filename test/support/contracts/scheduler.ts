import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  EMPTY_RUNG,
  EMPTY_TABLE,
  type Rung,
  rungOf,
  withEntry,
} from "../../../shared/scheduler/rung-table.ts";
import type {
  Place,
  Scheduler,
  SchedulerKind,
  SchedulerSetting,
} from "../../../shared/scheduler/scheduler.ts";
import type { Standing } from "../../../shared/scheduler/standing.ts";
import { faultSentence } from "../../../shared/sentences/faults.ts";
import { reasonSentence } from "../../../shared/sentences/reasons.ts";

/** What every scheduler owes the service, whatever its options. Run for each entry of the registry. */

/** A kind with options and studies that it accepts and that it refuses. */
export interface SchedulerCase<Options> {
  readonly kind: SchedulerKind<Options>;
  readonly accepted: fc.Arbitrary<{ readonly options: Options; readonly setting: SchedulerSetting }>;
  /** Each with the pointer that its faults must name. */
  readonly refused: readonly {
    readonly options: Options;
    readonly setting: SchedulerSetting;
    readonly pointer: string;
  }[];
}

const standings = (count: number): fc.Arbitrary<Standing[]> =>
  fc.tuple(
    ...Array.from({ length: count }, (_, trial) =>
      fc.record({
        trial: fc.constant(trial),
        costs: fc.oneof(
          fc.constant([]),
          fc.tuple(fc.double({ noNaN: true })),
          fc.tuple(fc.integer({ max: 3 })),
        ),
        violation: fc.constantFrom(0, 0, 1, 2.5, Number.NaN),
      }),
    ),
  );

const anyStandings = fc.integer({ min: 1, max: 20 }).chain(standings);

/** A rung that these trials have come to, in this order; each waits if the scheduler lets any wait. */
const rungWith = (scheduler: Scheduler, place: Place | null, others: readonly Standing[]): Rung => {
  const room = place === null ? 0 : scheduler.keeps(place);
  const table = others.reduce((known, standing) => withEntry(known, standing, room), EMPTY_TABLE);
  return rungOf([table], { failed: 0, lost: new Set() });
};

/** Where a trial of the scheduler is once it has reported at all rungs below: of its own accord, or resumed. */
const placesOf = (scheduler: Scheduler, ordinal: number): (Place | null)[] => {
  const start = scheduler.start(ordinal);
  if (start === null) return [null];
  const resources = scheduler.levels.slice(
    scheduler.levels.indexOf(scheduler.nextStep(start) ?? start.resource),
  );
  return resources.map((resource, rung) => ({
    ...start,
    rung,
    resource: scheduler.keeps(start) > 0 || scheduler.rounds !== null ? resource : start.resource,
  }));
};

export const schedulerContract = <Options>({ kind, accepted, refused }: SchedulerCase<Options>): void => {
  describe(kind.name, () => {
    test("its options are read by its own schemas, and what they accept passes its check", () => {
      const schema = z.strictObject(kind.options);
      fc.assert(
        fc.property(accepted, ({ options, setting }) => {
          expect(schema.parse(options)).toEqual(options);
          expect(kind.check(options, setting)).toEqual([]);
        }),
      );
    });

    test.each(refused)("a fault names $pointer and says what would be right", (wrong) => {
      const faults = kind.check(wrong.options, wrong.setting);
      expect(faults.map((fault) => fault.pointer)).toContain(wrong.pointer);
      for (const { fault } of faults) expect(faultSentence(fault)).toMatch(/^.{20,}\.$/s);
    });

    test("a trial begins at the bottom of a ladder, or without a resource", () => {
      fc.assert(
        fc.property(accepted, fc.nat({ max: 1000 }), ({ options, setting }, trial) => {
          const { start, rounds, levels, segments } = kind.create(options, setting.executor);
          const place = start(trial);
          if (place === null) {
            expect(rounds).toBeNull();
            expect(levels).toEqual([]);
            return;
          }
          expect(place.rung).toBe(0);
          expect(place.bracket).toBeGreaterThanOrEqual(0);
          expect(segments === undefined ? levels : [segments.length]).toContain(place.resource);
        }),
      );
    });

    test("its levels rise, and every step worth a report is one of them, beyond the last", () => {
      fc.assert(
        fc.property(accepted, fc.nat({ max: 100 }), ({ options, setting }, ordinal) => {
          const scheduler = kind.create(options, setting.executor);
          const { levels } = scheduler;
          for (let i = 1; i < levels.length; i++) expect(levels[i]).toBeGreaterThan(levels[i - 1]!);
          const steps = placesOf(scheduler, ordinal).map((place) => scheduler.nextStep(place));
          const [top] = steps.slice(-1);
          expect(top ?? null).toBeNull();
          for (const step of steps.slice(0, -1)) {
            if (step !== null) expect(levels.slice(0, -1)).toContain(step);
          }
        }),
      );
    });

    test("a report is answered from its arguments alone, whatever the order in which others came", () => {
      fc.assert(
        fc.property(
          accepted,
          anyStandings,
          fc.nat({ max: 3 }),
          fc.double({ min: 0, max: 1e6, noNaN: true }),
          ({ options, setting }, table, rung, step) => {
            const [standing, ...others] = table;
            if (standing === undefined) return;
            const ask = (scheduler: Scheduler, rows: readonly Standing[]) => {
              const places = placesOf(scheduler, 0);
              const place = places[Math.min(rung, places.length - 1)] ?? null;
              const at = scheduler.watches(place, step);
              const seen = at === null ? EMPTY_RUNG : rungWith(scheduler, place, rows);
              return scheduler.report({ place, step, standing, earlier: [] }, seen);
            };
            const create = () => kind.create(options, setting.executor);
            const verdict = ask(create(), others);
            expect(ask(create(), others)).toEqual(verdict);
            expect(ask(create(), [...others].reverse())).toEqual(verdict);
            expect(["continue", "stop", "pause"]).toContain(verdict.decision);
            expect(reasonSentence(verdict.reason).length).toBeGreaterThan(5);
            if (verdict.decision === "continue") return;
            // Who is stopped or paused was compared, and the rung remembers it.
            expect(verdict.comparison).toBeDefined();
            expect(verdict.records).not.toBeNull();
          },
        ),
      );
    });

    test("an end completes a trial, or parks it with a reason; the top of a ladder completes it", () => {
      fc.assert(
        fc.property(accepted, fc.nat({ max: 40 }), ({ options, setting }, ordinal) => {
          const scheduler = kind.create(options, setting.executor);
          const places = placesOf(scheduler, ordinal);
          for (const place of places) {
            const { state, reason } = scheduler.end(place);
            expect(state === "paused").toBe(reason !== null);
            if (reason !== null) expect(reasonSentence(reason).length).toBeGreaterThan(5);
          }
          expect(scheduler.end(places.at(-1) ?? null).state).toBe("completed");
        }),
      );
    });

    test("rounds rise to the top, and a closed rung promotes its best from the results alone", () => {
      fc.assert(
        fc.property(
          accepted,
          anyStandings,
          fc.nat({ max: 40 }),
          fc.nat({ max: 20 }),
          fc.infiniteStream(fc.nat()),
          ({ options, setting }, table, bracket, choice, keys) => {
            const { rounds } = kind.create(options, setting.executor);
            if (rounds === null) return;
            const resources = rounds.brackets.resources(bracket);
            for (let i = 1; i < resources.length; i++)
              expect(resources[i]).toBeGreaterThan(resources[i - 1]!);
            const rung = choice % resources.length;
            const ranking = rounds.close({ bracket, rung }, table);
            expect([...ranking.order].sort((a, b) => a - b)).toEqual(table.map(({ trial }) => trial));
            expect(ranking.promoted).toEqual(ranking.order.slice(0, ranking.promoted.length));
            for (const trial of ranking.promoted) expect(table[trial]?.costs).not.toEqual([]);
            const isTop = rung === resources.length - 1;
            const isOneLeft = table.some(({ costs }) => costs.length > 0);
            expect(ranking.promoted.length > 0).toBe(!isTop && isOneLeft);
            const shuffled = table
              .map((standing) => ({ standing, key: keys.next().value }))
              .sort((a, b) => a.key - b.key)
              .map(({ standing }) => standing);
            expect(rounds.close({ bracket, rung }, shuffled)).toEqual(ranking);
          },
        ),
      );
    });
  });
};
