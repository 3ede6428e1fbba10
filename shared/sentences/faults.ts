import { bodyFaults } from "./body-faults.ts";
import { optionFaults } from "./option-faults.ts";
import { configurationFaults, spaceFaults } from "./space-faults.ts";
import { studyFaults } from "./study-faults.ts";
import { sweepFaults } from "./sweep-faults.ts";
import { type FactsOf, wording } from "./table.ts";

/** What may be wrong with one field of a request. Each sentence says what is wrong and what would be right. */
const sentences = {
  /** Words made where the fault was found: only for a schema's own messages. */
  text: ({ text }: { text: string }) => text,
  ...bodyFaults,
  ...studyFaults,
  ...spaceFaults,
  ...configurationFaults,
  ...optionFaults,
  ...sweepFaults,
};

export type Fault = FactsOf<typeof sentences>;

export const faultSentence = wording(sentences);
