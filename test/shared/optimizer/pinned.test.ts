import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { AlgorithmName } from "../../../shared/optimizer/registry.ts";
import { algorithms } from "../../../shared/optimizer/registry.ts";
import { type PinnedAsk, pinnedAsks } from "../../support/pinned-asks.ts";

const fixtures = new URL("../../fixtures/proposals/", import.meta.url);

test.each(Object.keys(algorithms) as AlgorithmName[])(
  "%s proposes what it always proposed for a seed",
  (name) => {
    const pinned = JSON.parse(readFileSync(new URL(`${name}.fixture.json`, fixtures), "utf8")) as PinnedAsk[];
    const asked = pinnedAsks(name);
    expect(asked.map(({ ask }) => ask)).toEqual(pinned.map(({ ask }) => ask));
    for (const [i, { ask, proposals }] of pinned.entries())
      expect(asked[i]!.proposals, ask).toEqual(proposals);
  },
);
