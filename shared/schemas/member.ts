import * as z from "zod";
import { Id, Timestamp } from "../values.ts";
import { Role } from "./token.ts";

export const PutMemberBody = z.strictObject({
  name: Id,
  role: Role.nullable().optional().meta({
    description:
      "Its role in the whole team; null, the default for a new member, if grants are to give it its rights. Without it a member keeps its role.",
  }),
});

export const Member = z.strictObject({
  name: Id,
  role: Role.nullable(),
  created: Timestamp,
  createdBy: z
    .string()
    .meta({ description: "Id of the token, or ARN of the AWS principal, that added it; or `admin`." }),
  state: z.enum(["active", "leaving"]).meta({
    description: "One that is `leaving` has no rights; delete it again to remove what is left of it.",
  }),
});

export const MemberPage = z.strictObject({ members: z.array(Member), cursor: z.string().nullable() });

export type PutMemberBody = z.infer<typeof PutMemberBody>;
export type Member = z.infer<typeof Member>;
export type MemberPage = z.infer<typeof MemberPage>;
