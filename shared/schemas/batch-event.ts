import * as z from "zod";

/**
 * The fields Hone reads of AWS Batch's "Batch Job State Change" event (EventBridge) and of DescribeJobs, which share
 * their shape. AWS adds fields at any time, so unknown ones are ignored.
 */
export const BatchJob = z.object({
  jobId: z.string(),
  jobName: z.string(),
  /** ARN of its queue. Lists leave it out. */
  jobQueue: z.string().optional(),
  /** Lists leave them out. */
  tags: z.record(z.string(), z.string()).optional(),
  status: z.enum(["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"]),
  statusReason: z.string().optional(),
  createdAt: z.number().optional(),
  startedAt: z.number().optional(),
  stoppedAt: z.number().optional(),
  container: z
    .object({
      exitCode: z.number().optional(),
      reason: z.string().optional(),
      logStreamName: z.string().optional(),
    })
    .optional(),
  attempts: z
    .array(
      z.object({
        statusReason: z.string().optional(),
        container: z.object({ exitCode: z.number().optional(), reason: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});

export const BatchJobStateChange = z.object({
  "detail-type": z.literal("Batch Job State Change"),
  detail: BatchJob,
});

export type BatchJob = z.infer<typeof BatchJob>;
