import * as z from "zod";
import { Cursor, Id, Limit, Timestamp } from "../values.ts";

export const AuditQuery = z.strictObject({
  study: Id.optional().meta({ description: "Only what was done to this study." }),
  who: z
    .string()
    .min(1)
    .max(2048)
    .optional()
    .meta({ description: "Only what this token, member, IAM principal or job did." }),
  from: Timestamp.optional().meta({
    description: "The earliest time; as long ago as lines are kept, by default.",
  }),
  to: Timestamp.optional().meta({ description: "The latest time; now, by default." }),
  cursor: Cursor.optional(),
  limit: Limit.optional(),
});

export const AuditLine = z.strictObject({
  time: Timestamp,
  who: z
    .strictObject({
      kind: z.enum(["token", "iam", "job", "admin", "nobody"]),
      id: z.string(),
      member: z.string().optional(),
    })
    .meta({
      description:
        "Id of the token, with the member whom it belongs to; ARN of an IAM principal; or `admin`: somebody with the deployment's AWS credentials.",
    }),
  route: z.string().meta({ description: "The operation, as this document names it." }),
  targets: z.array(z.string()).meta({ description: "What was changed or created, as `study/<id>`." }),
  fields: z.array(z.string()).meta({
    description:
      "Fields of the request, as `budget.trials=80`. Texts, lists and maps are named without what they hold, so no secret is here.",
  }),
  requestId: z.string(),
  address: z.string().nullable().meta({ description: "The address that the request came from." }),
});

export const AuditPage = z.strictObject({
  lines: z.array(AuditLine),
  cursor: z.string().nullable().meta({
    description:
      "Where to go on. A page may have few lines, or none, and a cursor: what it looked through did not match.",
  }),
});

export const ExportAuditBody = z.strictObject({
  month: z
    .string()
    .regex(/^\d{4}-(0[1-9]|1[0-2])$/, "Write a month as 2026-11.")
    .meta({ description: "The month, UTC." }),
  cursor: Cursor.optional().meta({ description: "Goes on after the object that this cursor came with." }),
});

export const AuditExport = z.strictObject({
  key: z
    .string()
    .meta({ description: "Key of the object in the deployment's bucket; it is deleted after a week." }),
  url: z.string().meta({ description: "Download it with GET and no further header, until `expires`." }),
  expires: Timestamp,
  lines: z.int().meta({ description: "Lines of JSON in the object, the newest first." }),
  cursor: z.string().nullable().meta({
    description: "Null when the month is complete; otherwise ask again with it for the next object.",
  }),
});

export type AuditQuery = z.infer<typeof AuditQuery>;
export type AuditLine = z.infer<typeof AuditLine>;
export type AuditPage = z.infer<typeof AuditPage>;
export type ExportAuditBody = z.infer<typeof ExportAuditBody>;
export type AuditExport = z.infer<typeof AuditExport>;
