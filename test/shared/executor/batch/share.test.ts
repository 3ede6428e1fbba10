import fc from "fast-check";
import { expect, test } from "vitest";
import { shareOf } from "../../../../shared/executor/batch/share.ts";
import { ID } from "../../../../shared/patterns.ts";

const team = fc.stringMatching(new RegExp(`^${ID}$`));

test("a team's share has letters and digits only, as many as Batch allows, and two teams have two", () => {
  fc.assert(
    fc.property(team, team, (one, other) => {
      expect(shareOf(one)).toMatch(/^[a-z0-9]{3,255}$/);
      expect(shareOf(one) === shareOf(other)).toBe(one === other);
    }),
  );
  // What only looks alike when a hyphen is left out or replaced by a letter.
  const shares = ["a-b", "ab0", "axb", "ax0b", "a--b", "axxb", "ax0x0b", "a-0b"].map(shareOf);
  expect(new Set(shares).size).toBe(shares.length);
});
