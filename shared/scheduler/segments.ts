import * as z from "zod";
import { checkResource, Resource } from "./ladder.ts";
import { unscheduled } from "./none.ts";
import type { Scheduler, SchedulerKind } from "./scheduler.ts";

/**
 * Trials that are segments of longer runs, for algorithms that copy runs: each goes on from the checkpoint of a parent by one more
 * `min` of the resource, until its run has come to `max`. A trial's bracket is the member of the population, its rung the generation.
 */

const options = {
  resource: Resource,
  type: z
    .enum(["asynchronous", "synchronous"])
    .meta({
      description:
        "`synchronous`, for the batch executor: a generation begins when all segments of the one before have ended, each as an execution of a state machine. By default no run waits for others.",
    })
    .optional(),
};

type Options = z.infer<z.ZodObject<typeof options>>;

/** A lineage is read as a whole. */
const MOST_SEGMENTS = 1000;

const create = ({ resource: { name, min, max }, type }: Options): Scheduler => ({
  ...unscheduled,
  segments: { length: min, end: max },
  inGenerations: type === "synchronous",
  start: (ordinal, wanted = min, bracket = ordinal) => ({
    bracket,
    rung: Math.ceil(wanted / min) - 1,
    resource: Math.min(wanted, max),
  }),
  report: () => ({
    decision: "continue",
    reason: { kind: "before-rung", unit: name, next: null },
    records: null,
  }),
});

export const segments = {
  name: "segments",
  summary:
    "Each trial runs `min` of the resource further, from the checkpoint of another one, until a run has come to `max`; for the algorithm pbt.",
  revision: 1,
  options,
  check: ({ resource, type }, { executor }) => {
    const { min, max } = resource;
    const count = Math.ceil(max / min);
    return [
      ...checkResource(resource),
      ...(type === "synchronous" && executor === "client"
        ? [{ pointer: "/scheduler/type", fault: { kind: "generations-of-client" } as const }]
        : []),
      ...(count > MOST_SEGMENTS
        ? [
            {
              pointer: "/scheduler/resource/min",
              fault: { kind: "too-many-segments", segments: count, most: MOST_SEGMENTS } as const,
            },
          ]
        : []),
    ];
  },
  create,
} as const satisfies SchedulerKind<Options>;
