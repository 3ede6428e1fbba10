import type { Random } from "../../shared/numerics/random.ts";
import {
  EMPTY_TABLE,
  type Rung,
  type RungTable,
  rungOf,
  withEntry,
  withoutWaiting,
} from "../../shared/scheduler/rung-table.ts";
import type { Place, Progress, Resumption, RungPlace, Scheduler } from "../../shared/scheduler/scheduler.ts";
import type { Standing } from "../../shared/scheduler/standing.ts";

/**
 * Trials of a scheduler without a service: workers take turns, in an order that a seed decides; rungs are kept as the service keeps
 * them, each in a few tables.
 */

/** What a trial comes to at a resource; null: it fails on its way there. */
export type Curves = (trial: number, resource: number) => number | null;

export interface Course {
  readonly trials: number;
  readonly workers: number;
  readonly tables: number;
  readonly curves: Curves;
  readonly random: Random;
}

interface Kept {
  readonly tables: Map<number, RungTable>;
  readonly lost: Set<number>;
  failed: number;
}

interface Runner {
  readonly trial: number;
  readonly place: Place;
}

/** What happened to the trials, in its order. */
export type Happening =
  | { readonly kind: "started"; readonly trial: number; readonly place: Place }
  | { readonly kind: "resumed"; readonly resumption: Resumption; readonly progress: Progress }
  | { readonly kind: "entered"; readonly at: RungPlace; readonly standing: Standing }
  | { readonly kind: "lost"; readonly at: RungPlace; readonly trial: number }
  | { readonly kind: "stopped"; readonly at: RungPlace; readonly trial: number };

const nameOf = ({ bracket, rung }: RungPlace) => `${bracket}/${rung}`;

export class LadderWorld {
  readonly #rungs = new Map<string, Kept>();
  readonly #scheduler: Scheduler;
  readonly #course: Course;
  readonly happenings: Happening[] = [];
  #started = 0;

  constructor(scheduler: Scheduler, course: Course) {
    this.#scheduler = scheduler;
    this.#course = course;
  }

  #kept(place: RungPlace): Kept {
    const known = this.#rungs.get(nameOf(place)) ?? { tables: new Map(), lost: new Set(), failed: 0 };
    this.#rungs.set(nameOf(place), known);
    return known;
  }

  readonly rung = (place: RungPlace): Rung => {
    const { tables, lost, failed } = this.#kept(place);
    return rungOf([...tables.values()], { failed: place.rung === 0 ? failed : lost.size, lost });
  };

  #change(place: RungPlace, trial: number, change: (table: RungTable) => RungTable): void {
    const { tables } = this.#kept(place);
    const table = trial % this.#course.tables;
    tables.set(table, change(tables.get(table) ?? EMPTY_TABLE));
  }

  #enter(at: RungPlace, standing: Standing, room: number): void {
    this.#change(at, standing.trial, (table) => withEntry(table, standing, room));
    this.happenings.push({ kind: "entered", at, standing });
  }

  #lose(at: RungPlace, trial: number): void {
    const kept = this.#kept(at);
    if (at.rung === 0) kept.failed++;
    else kept.lost.add(trial);
    this.happenings.push({ kind: "lost", at, trial });
  }

  /** The next trial for a worker that is free; null when there is none now. */
  #ask(busy: number): Runner | null {
    const mayStart = this.#started < this.#course.trials;
    const progress = { trials: this.#started, mayStart, busy };
    const [resumption] = this.#scheduler.resume(this.rung, progress, 1);
    if (resumption !== undefined) {
      this.#change(resumption.from, resumption.trial, (table) => withoutWaiting(table, resumption.trial));
      this.happenings.push({ kind: "resumed", resumption, progress });
      return { trial: resumption.trial, place: resumption.place };
    }
    if (!mayStart) return null;
    const trial = this.#started++;
    const place = this.#scheduler.start(trial);
    if (place === null) throw new Error("The scheduler has no ladder.");
    this.happenings.push({ kind: "started", trial, place });
    return { trial, place };
  }

  /** A worker's next report, or its trial's end. @returns the trial if it goes on. */
  #advance({ trial, place }: Runner): Runner | null {
    const step = this.#scheduler.nextStep(place) ?? place.resource;
    const cost = this.#course.curves(trial, step);
    const fails = cost === null;
    if (fails) {
      if (this.#scheduler.keeps(place) > 0) this.#lose(place, trial);
      return null;
    }
    const standing = { trial, costs: [cost], violation: 0 };
    const at = this.#scheduler.watches(place, step);
    if (at === null) {
      const { state, records } = this.#scheduler.end(place);
      const room = state === "paused" && records !== null ? this.#scheduler.keeps(records) : 0;
      if (records !== null) this.#enter(records, standing, room);
      return null;
    }
    const verdict = this.#scheduler.report({ place, step, standing, earlier: [] }, this.rung(at));
    const room = verdict.decision === "pause" ? this.#scheduler.keeps(at) : 0;
    if (verdict.records !== null) this.#enter(verdict.records, verdict.entry ?? standing, room);
    if (verdict.decision === "stop") this.happenings.push({ kind: "stopped", at, trial });
    return verdict.decision === "continue" ? { trial, place: verdict.place ?? place } : null;
  }

  /** Lets the workers run until there is nothing left to do. @throws Error when they do not come to an end. */
  run(): this {
    const { workers, trials, random } = this.#course;
    const held: (Runner | null)[] = Array.from({ length: workers }, () => null);
    for (let turn = 0; turn < 1000 * (trials + workers); turn++) {
      const w = random.integer(workers);
      const runner = held[w] ?? null;
      const busy = held.filter((each) => each !== null).length;
      if (runner !== null) held[w] = this.#advance(runner);
      else held[w] = this.#ask(busy);
      if (runner === null && held[w] === null && busy === 0) return this;
    }
    throw new Error("The trials did not come to an end.");
  }
}

/** Of what happened, that of one kind. */
export const ofKind = <K extends Happening["kind"]>(happenings: readonly Happening[], kind: K) =>
  happenings.filter((each): each is Extract<Happening, { kind: K }> => each.kind === kind);
