import { type FactsOf, wording } from "./table.ts";

/** What a person should know about a sweep. */
const sentences = {
  "not-scheduled": () =>
    "Its schedule is not set up yet. Hone tries again every few minutes, and fires what it missed meanwhile once.",
  "last-failed": ({ firing, reason }: { firing: string; reason: string }) =>
    `The firing of ${firing} failed. ${reason}`,
};

export type SweepNotice = FactsOf<typeof sentences>;

export const sweepNoticeSentence = wording(sentences);
