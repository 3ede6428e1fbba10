import * as z from "zod";

/** Options that several algorithms have. Each states its own default, since most depend on the problem. */

/** Trials per generation, or kept alive. A larger number costs seconds per ask to rank by several objectives. */
export const Population = z.int().min(4).max(1000);
