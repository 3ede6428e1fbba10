import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { searchingNames } from "../../support/algorithms.ts";
import { type PinnedAsk, pinnedAsks } from "../../support/pinned-asks.ts";
import { pinnedRaces } from "../../support/races.ts";

const fixtures = new URL("../../fixtures/proposals/", import.meta.url);

test.each(searchingNames)("%s proposes what it always proposed for a seed", (name) => {
  const pinned = JSON.parse(readFileSync(new URL(`${name}.fixture.json`, fixtures), "utf8")) as PinnedAsk[];
  const asked = pinnedAsks(name);
  expect(asked.map(({ ask }) => ask)).toEqual(pinned.map(({ ask }) => ask));
  for (const [i, { ask, proposals }] of pinned.entries()) expect(asked[i]!.proposals, ask).toEqual(proposals);
});

test("irace runs the races that it always ran for a seed", () => {
  const pinned = JSON.parse(readFileSync(new URL("irace.fixture.json", fixtures), "utf8"));
  expect(pinnedRaces()).toEqual(pinned);
});
