import * as z from "zod";
import { TOKEN_ID } from "../patterns.ts";
import { Timestamp } from "../values.ts";

/** AWS's limits: no session is shorter, and one that a role makes out of another role's session lasts an hour at most. */
export const SESSION_SECONDS = { least: 900, most: 3600 } as const;

const LIMITS = `AWS makes sessions of ${SESSION_SECONDS.least} to ${SESSION_SECONDS.most} seconds (15 minutes to an hour, since Hone's own role makes them). Ask again before it ends.`;

/** What a session may do: never more than its maker. None gives access to others. */
export const SessionRole = z.enum(["viewer", "worker", "editor"]);

export const CreateCredentialsBody = z.strictObject({
  seconds: z
    .int()
    .min(SESSION_SECONDS.least, LIMITS)
    .max(SESSION_SECONDS.most, LIMITS)
    .optional()
    .meta({ description: `How long they hold. ${LIMITS} An hour by default.` }),
  role: SessionRole.optional().meta({ description: "What they may do in the study; `editor` by default." }),
});

export const Credentials = z.strictObject({
  id: z
    .string()
    .regex(new RegExp(`^${TOKEN_ID}$`))
    .meta({ description: "The session's name in logs." }),
  accessKeyId: z.string(),
  secretAccessKey: z.string().meta({ description: "It will not be shown again and is stored nowhere." }),
  sessionToken: z.string(),
  expires: Timestamp,
  role: SessionRole,
  region: z.string().meta({ description: "For the signature, with the service `execute-api` or `s3`." }),
  api: z.string().meta({
    description: "Base URL of the study's routes for signed requests, up to and including `/iam/v1`.",
  }),
  bucket: z.string(),
  prefix: z.string().meta({ description: "Of the study's objects, which the session may list and read." }),
});

export type SessionRole = z.infer<typeof SessionRole>;
export type CreateCredentialsBody = z.infer<typeof CreateCredentialsBody>;
export type Credentials = z.infer<typeof Credentials>;
