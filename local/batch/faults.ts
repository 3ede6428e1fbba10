import { z } from "zod";

/** The effect on a call: refused, broken off, or carried out without its reply. */
const Fault = z.enum(["throttle", "error", "drop", "accept-then-drop"]);
export type Fault = z.infer<typeof Fault>;

/** `{"calls": {"submitjob": ["throttle", "accept-then-drop"]}, "events": "lose"}`: the next two SubmitJobs, all events. */
export const FaultPlan = z.strictObject({
  calls: z.record(z.string(), z.array(Fault)).optional(),
  events: z.enum(["deliver", "lose", "twice"]).optional(),
});
export type FaultPlan = z.infer<typeof FaultPlan>;

/** Faults that were ordered and have not happened yet. */
export class Faults {
  #calls = new Map<string, Fault[]>();
  #copies = 1;

  order({ calls = {}, events }: FaultPlan): void {
    for (const [call, faults] of Object.entries(calls)) this.#calls.set(call, [...faults]);
    if (events !== undefined) this.#copies = { deliver: 1, lose: 0, twice: 2 }[events];
  }

  /** The fault of the next call of this name, if one was ordered. */
  next(call: string): Fault | undefined {
    return this.#calls.get(call)?.shift();
  }

  /** How many times each event is sent. */
  get copies(): number {
    return this.#copies;
  }
}
