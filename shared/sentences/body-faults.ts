import { NON_FINITE_HINT } from "./refusals.ts";

/** What may be wrong with a JSON body or a query before any schema has seen it. */
export const bodyFaults = {
  "name-reserved": ({ name }: { name: string }) => `The name ${name} is reserved. Choose another.`,
  "half-surrogate": () => "The string contains half of a surrogate pair, which is not a character.",
  "beyond-doubles": ({ literal }: { literal: string }) =>
    `${literal} is larger than the largest double. ${NON_FINITE_HINT}`,
  "inexact-integer": ({ literal, becomes }: { literal: string; becomes: string }) =>
    `The integer ${literal} would become ${becomes}. Send integers beyond 2^53 - 1 as a string, or as a float (1.5e20).`,
  "query-given-twice": ({ name }: { name: string }) => `The parameter ${name} is given more than once.`,
  "checkpoint-unknown": () =>
    "This is no checkpoint that Hone has given to this attempt. Get one with POST …/checkpoint, upload to its URL, and name it then; or give a text of your own that does not begin with `hone:`.",
  "checkpoint-missing": () =>
    "Nothing has been uploaded for this checkpoint. PUT it to its URL first, then name it.",
  "checkpoint-superseded": () =>
    "A later checkpoint of this attempt has been committed. Get a new one with POST …/checkpoint, and upload to its URL.",
  "other-team": ({ team }: { team: string }) =>
    `Give the name of the team that is to be deleted: ${JSON.stringify(team)}.`,
  "cursor-of-no-page": () =>
    "This is not the cursor of a page of this list. Give back the `cursor` of the last page as it is, or leave it out to begin again.",
};
