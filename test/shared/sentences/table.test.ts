import { expect, test } from "vitest";
import { wording } from "../../../shared/sentences/table.ts";

test("facts are worded by the sentence of their kind, from what they hold", () => {
  const words = wording({
    plain: () => "Nothing to say.",
    "with-facts": ({ trial, state }: { trial: number; state: string }) => `Trial ${trial} is ${state}.`,
  });
  expect(words({ kind: "plain" })).toBe("Nothing to say.");
  expect(words({ kind: "with-facts", trial: 3, state: "paused" })).toBe("Trial 3 is paused.");
});
