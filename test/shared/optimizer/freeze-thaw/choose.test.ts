import { expect, test } from "vitest";
import { type Hint, type History, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory } from "../../../../shared/optimizer/common/history.ts";
import { type ChoiceInput, chooseTrials } from "../../../../shared/optimizer/freeze-thaw/choose.ts";
import { observe } from "../../../../shared/optimizer/freeze-thaw/observations.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

const space = compileSpace({ x: { type: "float", low: 0, high: 1 } });
const RESOURCES = [1, 3, 9, 27];

/** A loss after a level, of a configuration. */
type Loss = (x: number, level: number) => number;

/** Trials by their configuration and the levels that they have come to. @param running numbers of those that run. */
const historyOf = (
  trials: readonly (readonly [x: number, levels: number])[],
  loss: Loss,
  running: readonly number[] = [],
): History => {
  const rows = trials.map(([x, levels], number) => ({
    number,
    x: [x],
    ...(levels > 0 && {
      y: [loss(x, levels - 1)],
      kind: kindOf(levels, running.includes(number)),
    }),
  }));
  const value = new Float64Array(trials.length * RESOURCES.length).fill(Number.NaN);
  for (const [row, [x, levels]] of trials.entries()) {
    for (let level = 0; level < levels; level++) value[row * RESOURCES.length + level] = loss(x, level);
  }
  return { ...buildHistory(space, 1, rows), levels: { resources: RESOURCES, value } };
};

const kindOf = (levels: number, isRunning: boolean): TrialKind => {
  if (isRunning) return TrialKind.running;
  return levels === RESOURCES.length ? TrialKind.completed : TrialKind.pruned;
};

const asked = (history: History): ChoiceInput => ({
  problem: {
    space,
    objectives: 1,
    budget: { trials: 100, parallel: 1 },
    options: {},
    seed: 5,
    firstNumber: history.n,
    hint: null,
    isLate: () => false,
  },
  history,
  paused: [],
  count: 1,
  ahead: 0,
  mostStarted: 0,
  runsToTheEnd: true,
});

const choose = (history: History, change: Partial<ChoiceInput> = {}) =>
  chooseTrials({ ...asked(history), ...change });

const bowl: Loss = (x, level) => 0.1 + (x - 0.3) ** 2 + 0.5 / (level + 1);
/** Those on the right begin better and end worse. */
const crossing: Loss = (x, level) => (level === 0 ? 1 - 0.3 * x : 0.2 + 0.6 * x) - 0.02 * level;
/** Of which a few results say little about the others. */
const waves: Loss = (x, level) => 1 + Math.sin(40 * x) / 2 + 0.1 / (level + 1);

test("the most promising of the paused trials goes on", () => {
  const history = historyOf(
    [
      [0.9, 1],
      [0.05, 4],
      [0.6, 1],
      [0.32, 1],
      [0.8, 2],
      [0.5, 4],
    ],
    bowl,
  );
  expect(choose(history, { paused: [0, 2, 3, 4] })).toMatchObject({ resumed: [3], started: [] });
});

test("a trial that is behind goes on before the leader where such curves have crossed", () => {
  const history = historyOf(
    [
      [0.9, 4],
      [0.75, 4],
      [0.45, 4],
      [0.3, 4],
      [0.6, 4],
      [0.95, 1],
      [0.1, 1],
    ],
    crossing,
  );
  expect(crossing(0.1, 0)).toBeGreaterThan(crossing(0.95, 0));
  expect(choose(history, { paused: [5, 6] }).resumed).toEqual([6]);
});

test("a new trial begins where the ends of curves promise most, when none that waits does", () => {
  const history = historyOf(
    [
      [0.95, 1],
      [0.85, 1],
      [0.05, 4],
      [0.5, 4],
      [0.7, 2],
      [0.15, 4],
      [0.65, 3],
    ],
    bowl,
  );
  const { resumed, started } = choose(history, { paused: [0, 1, 4, 6], mostStarted: 1 });
  expect(resumed).toEqual([]);
  expect(Math.abs(started[0]!.x[0]! - 0.3)).toBeLessThan(0.1);
});

test("several choices are different trials, and none is begun beyond what may be", () => {
  const history = historyOf(
    [
      [0.2, 1],
      [0.4, 1],
      [0.6, 1],
      [0.9, 1],
      [0.3, 4],
    ],
    bowl,
  );
  const { resumed, started } = choose(history, { paused: [0, 1, 2, 3], count: 4, mostStarted: 1 });
  expect(new Set(resumed).size).toBe(resumed.length);
  expect(resumed.length + started.length).toBe(4);
  expect(started.length).toBeLessThanOrEqual(1);
});

test("the same study makes the same choice", () => {
  const history = historyOf(
    [
      [0.1, 1],
      [0.3, 1],
      [0.6, 2],
      [0.9, 1],
      [0.8, 4],
    ],
    bowl,
  );
  const both = { paused: [0, 1, 2, 3], mostStarted: 1 };
  expect(choose(history, both)).toEqual(choose(history, both));
});

test("a hint of nearly the same results spares the fit, and is not replaced; an unfit one is ignored", () => {
  const history = historyOf(
    Array.from({ length: 40 }, (_, i) => [((i * 17) % 40) / 40, (i % 4) + 1] as const),
    bowl,
  );
  const paused = [0, 1, 2];
  const { hint, ...first } = choose(history, { paused, mostStarted: 1 });
  expect(hint).toMatchObject({ algorithm: "freeze-thaw", trials: 100 });
  const { problem } = asked(history);
  const again = (hint: Hint) => choose(history, { paused, mostStarted: 1, problem: { ...problem, hint } });
  const { hint: next, ...second } = again(hint!);
  expect(next).toBeNull();
  expect(second.resumed).toEqual(first.resumed);
  expect(second.gain).toBeCloseTo(first.gain!, 3);
  // What there was no time to fit is not kept.
  expect(choose(history, { paused, problem: { ...problem, isLate: () => true } }).hint).toBeNull();
  // Of hyperparameters that say that nothing can be known, it would expect another gain.
  const misled = again({ ...hint!, values: hint!.values.map(() => 0) });
  expect(misled.gain).not.toBeCloseTo(first.gain!, 3);
  for (const unfit of [{ revision: 0 }, { algorithm: "gp" }, { values: [1] }, { trials: 50 }]) {
    expect(again({ ...hint!, ...unfit }).gain).toBeCloseTo(first.gain!, 3);
  }
});

test("what a running trial is about to tell is not asked for again", () => {
  const known = [0.02, 0.2, 0.35, 0.6, 0.72, 0.98].map((x) => [x, 4] as const);
  const startedAt = (history: History) => choose(history, { mostStarted: 1 }).started[0]!.x[0]!;
  const first = startedAt(historyOf(known, waves));
  const second = startedAt(historyOf([...known, [first, 0]], waves, [known.length]));
  expect(Math.abs(second - first)).toBeGreaterThan(0.005);
});

test("before there are enough results, trials of a design begin", () => {
  const { resumed, started, gain } = choose(historyOf([[0.5, 1]], bowl), {
    paused: [0],
    count: 2,
    mostStarted: 2,
  });
  expect({ resumed, gain, count: started.length }).toEqual({ resumed: [], gain: null, count: 2 });
});

test("of a long study the best at each level are looked at, and some of the others", () => {
  const trials = Array.from({ length: 4000 }, (_, i) => [((i * 7919) % 4000) / 4000, (i % 4) + 1] as const);
  const history = historyOf(trials, bowl);
  const { list, least } = observe(history, history.levels!, 5000)!;
  const rows = new Set(list.map(({ row }) => row));
  expect(rows.size).toBe(4 * 400);
  const byDistance = trials
    .map(([x, levels], row) => ({ row, levels, far: Math.abs(x - 0.3) }))
    .sort((a, b) => a.far - b.far);
  for (const at of [1, 2, 3, 4]) {
    const best = byDistance.filter(({ levels }) => levels === at).slice(0, 190);
    for (const { row } of best) expect(rows).toContain(row);
  }
  expect(least).toBe(0);
});

/** What is left to gain when so many trials have come to their ends, and others wait after their first level. */
const ENDED = [
  [0.9, 4],
  [0.7, 4],
  [0.1, 4],
  [0.55, 4],
] as const;
const WAITING = [
  [0.8, 1],
  [0.65, 1],
] as const;
const gainOf = (history: History): number | null =>
  choose(history, { paused: waitingIn(history), mostStarted: 1 }).gain;
const waitingIn = ({ kind }: History) => [...kind.keys()].filter((row) => kind[row] === TrialKind.pruned);

test("the expected gain falls as less is left to gain", () => {
  const nearBest = Array.from({ length: 16 }, (_, i) => [0.22 + i / 100, 4] as const);
  const early = gainOf(historyOf([...ENDED, ...WAITING], bowl));
  const late = gainOf(historyOf([...ENDED, ...WAITING, ...nearBest], bowl));
  expect(late).toBeLessThan(early! / 10);
});

test("the gain is not known before a few trials have come to their ends, and among them the best one", () => {
  expect(gainOf(historyOf([...ENDED, ...WAITING], bowl))).not.toBeNull();
  expect(gainOf(historyOf([...ENDED.slice(1), ...WAITING], bowl))).toBeNull();
  expect(gainOf(historyOf([...ENDED, ...WAITING, [0.3, 3]], bowl))).toBeNull();
  // One that failed before its end has not come to it.
  const failed = historyOf([...ENDED.slice(0, 3), [0.55, 3], ...WAITING], bowl);
  failed.kind[3] = TrialKind.failed;
  expect(gainOf(failed)).toBeNull();
});

test("nothing is known of the gain while the best result is no better than the others", () => {
  expect(gainOf(historyOf([...ENDED, ...WAITING], () => 0.9))).toBeNull();
});

test("what a running trial gains beyond its next result is left to gain", () => {
  const falling: Loss = (x, level) => x + 0.5 / (level + 1);
  const ended = Array.from({ length: 20 }, (_, i) => [0.5 + i / 50, 4] as const);
  const trials = [...ended, [0.45, 1], [0.9, 1]] as const;
  const gain = (running: readonly number[]) => {
    const history = historyOf(trials, falling, running);
    return choose(history, { paused: waitingIn(history) }).gain;
  };
  expect(gain([20])).toBeGreaterThan(gain([])! / 2);
});
