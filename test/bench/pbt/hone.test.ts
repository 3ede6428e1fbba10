import { expect, test } from "vitest";
import { honeSearch, type Trained, type Training } from "../../../bench/pbt/hone.ts";
import type { Lines } from "../../../bench/quality/lines.ts";

const TASK = { problem: "p", seed: 3, population: 4, epochs: 3, segment: 1, killed: 0 };
const SPACE = { rate: { type: "float", low: 0, high: 1 } } as const;

/** Trains nothing; the loss falls with the epochs. @param isKilled whether the `tries`-th worker of a segment is killed, from 1. */
const network = (isKilled: (training: Training, tries: number) => boolean) => {
  const asked: (Training & { readonly killed: boolean })[] = [];
  const request = async (body: object): Promise<unknown> => {
    const training = body as Training;
    const tries = 1 + asked.filter(({ name }) => name === training.name).length;
    const killed = isKilled(training, tries);
    asked.push({ ...training, killed });
    const seconds = 55 + training.member;
    return { valid: 1 / (1 + training.done), test: 2, seconds, killed } satisfies Trained;
  };
  return { asked, lines: { request, close: () => {} } as Lines };
};

test("every run comes to its end, and every segment begins with a state that was kept, after as many epochs", async () => {
  const { asked, lines } = network(() => false);
  const outcome = await honeSearch(SPACE, {}, TASK, lines);
  expect(outcome).toEqual({ valid: 1 / 3, test: 2, results: 12, lost: 0, ended: 4, finished: true });
  const epochs = new Map(asked.map(({ name, done }) => [name, done + 1]));
  for (const { parent, done } of asked) expect(parent === null ? 0 : epochs.get(parent)).toBe(done);
  expect(asked.map(({ member }) => member).sort()).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
});

test("another worker trains the segment of one that was killed, from the same state", async () => {
  const { asked, lines } = network(({ member, done }, tries) => member === 2 && done === 1 && tries < 3);
  const outcome = await honeSearch(SPACE, {}, TASK, lines);
  expect(outcome).toMatchObject({ results: 12, lost: 2, ended: 4 });
  const [killed] = asked.filter((training) => training.killed);
  const tries = asked.filter(({ name }) => name === killed?.name);
  expect(tries.map((training) => training.killed)).toEqual([true, true, false]);
  expect(new Set(tries.map(({ parent, done }) => `${parent} ${done}`)).size).toBe(1);
});

test("a segment whose workers are all killed is lost, and its run goes on from a committed state of the same epoch", async () => {
  let doomed: string | undefined;
  const { asked, lines } = network(({ name, member, done }) => {
    if (member === 2 && done === 1) doomed ??= name;
    return name === doomed;
  });
  const outcome = await honeSearch(SPACE, {}, TASK, lines);
  // The budget counts the lost segment.
  expect(outcome).toMatchObject({ results: 11, lost: 3, ended: 3, finished: true });
  const kept = new Set(asked.filter((training) => !training.killed).map(({ name }) => name));
  const next = asked.find(({ name, member, done }) => name !== doomed && member === 2 && done === 1);
  expect(kept.has(next?.parent ?? "")).toBe(true);
});
