import { type FactsOf, wording } from "./table.ts";

/** Why a firing of a sweep came to what it did. */
const sentences = {
  overlaps: ({ study }: { study: string }) => `The study ${study} of an earlier firing is not finished.`,
  "one-waits": ({ firing }: { firing: string }) =>
    `The firing of ${firing} is already waiting; only one waits at a time.`,
  waits: ({ study }: { study: string }) => `Waits until the study ${study} of an earlier firing is finished.`,
  replaces: ({ study }: { study: string }) => `Stopped the study ${study} of an earlier firing.`,
  /** Words made where the study was refused. */
  refused: ({ detail }: { detail: string }) => `The study was refused: ${detail}`,
};

export type FiringReason = FactsOf<typeof sentences>;

export const firingReasonSentence = wording(sentences);
