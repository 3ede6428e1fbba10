import * as z from "zod";
import { problemTypes } from "../errors.ts";

/** How every error is told: application/problem+json, RFC 9457. */
export const Problem = z.strictObject({
  type: z.enum(problemTypes).meta({ description: "Stable; programs branch on it." }),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().meta({ description: "What is wrong and how to fix it, for a person." }),
  pointer: z.string().optional().meta({ description: "JSON pointer to the first field at fault." }),
  errors: z
    .array(z.strictObject({ pointer: z.string(), detail: z.string() }))
    .optional()
    .meta({ description: "Every fault that was found, up to 20." }),
  retry: z.boolean().meta({ description: "Whether the same request may succeed later." }),
  retryAfter: z.number().optional().meta({ description: "Seconds to wait, as in Retry-After." }),
  requestId: z.string(),
});

export type Problem = z.infer<typeof Problem>;
