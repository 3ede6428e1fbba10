import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import type {
  Place,
  Scheduler,
  SchedulerKind,
  SchedulerSetting,
  Standing,
} from "../../../shared/scheduler/scheduler.ts";
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

/** A place that a trial of the scheduler may be at, none included. */
const placeIn = (scheduler: Scheduler, rung: number): Place | null => {
  const start = scheduler.start(0);
  const resource = scheduler.rounds?.resources[rung];
  return start === null || resource === undefined ? start : { ...start, rung, resource };
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
        fc.property(accepted, fc.nat({ max: 1000 }), ({ options }, trial) => {
          const { start, rounds } = kind.create(options);
          const place = start(trial);
          if (place === null) {
            expect(rounds).toBeNull();
            return;
          }
          expect(place.rung).toBe(0);
          expect(place.bracket).toBeGreaterThanOrEqual(0);
          expect(place.resource).toBeGreaterThan(0);
        }),
      );
    });

    test("a report is answered from its arguments alone, with a reason in words", () => {
      fc.assert(
        fc.property(
          accepted,
          anyStandings,
          fc.nat({ max: 3 }),
          fc.double({ min: 0, max: 1e6, noNaN: true }),
          ({ options }, table, rung, step) => {
            const [standing, ...others] = table;
            if (standing === undefined) return;
            const ask = (scheduler: Scheduler, rows: readonly Standing[]) => {
              const place = placeIn(scheduler, rung);
              const watched = scheduler.watches(place, step);
              return scheduler.report({ place, step, standing }, watched === null ? [] : rows);
            };
            const verdict = ask(kind.create(options), others);
            expect(ask(kind.create(options), others)).toEqual(verdict);
            expect(ask(kind.create(options), [...others].reverse())).toEqual(verdict);
            expect(["continue", "stop", "pause"]).toContain(verdict.decision);
            expect(reasonSentence(verdict.reason).length).toBeGreaterThan(5);
          },
        ),
      );
    });

    test("an end completes a trial, or parks it with a reason; the top of a ladder completes it", () => {
      fc.assert(
        fc.property(accepted, fc.nat({ max: 20 }), ({ options }, rung) => {
          const scheduler = kind.create(options);
          const { state, reason } = scheduler.end(placeIn(scheduler, rung));
          expect(state === "paused").toBe(reason !== null);
          if (reason !== null) expect(reasonSentence(reason).length).toBeGreaterThan(5);
          const { rounds } = scheduler;
          if (rounds === null) return;
          const top = rounds.resources.length - 1;
          expect(scheduler.end(placeIn(scheduler, top)).state).toBe("completed");
          if (top > 0) expect(scheduler.end(placeIn(scheduler, 0)).state).toBe("paused");
        }),
      );
    });

    test("rounds rise to the top, and a closed rung promotes its best from the results alone", () => {
      fc.assert(
        fc.property(
          accepted,
          anyStandings,
          fc.nat({ max: 20 }),
          fc.infiniteStream(fc.nat()),
          ({ options }, table, choice, keys) => {
            const { rounds } = kind.create(options);
            if (rounds === null) return;
            const { resources } = rounds;
            for (let i = 1; i < resources.length; i++)
              expect(resources[i]).toBeGreaterThan(resources[i - 1]!);
            const rung = choice % resources.length;
            const ranking = rounds.close(rung, table);
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
            expect(rounds.close(rung, shuffled)).toEqual(ranking);
          },
        ),
      );
    });
  });
};
