import type { TakenWarmStart } from "../shared/schemas/warm-start.ts";

/** What a study began with of earlier ones, for a person. */
export const warmStartText = ({ studies }: TakenWarmStart): string[] =>
  studies.map(({ study, trials, used, leftOut, unknown, ignored }) => {
    const facts = [
      ...leftOut.map(({ detail }) => detail.replace(/\.$/, "")),
      ...(unknown.length > 0 ? [`nothing is known of ${unknown.join(", ")}`] : []),
      ...(ignored.length > 0 ? [`${ignored.join(", ")} ignored`] : []),
    ];
    const head = `began with ${used} of ${trials} results of ${study}`;
    return facts.length === 0 ? head : `${head}: ${facts.join("; ")}`;
  });
