import * as z from "zod";
import { TOKEN_ID } from "../patterns.ts";
import { Id, Timestamp } from "../values.ts";

/** What a token may do: the actions of each role are in `auth/authorize.ts`. */
export const Role = z.enum(["viewer", "worker", "editor", "owner"]).meta({
  description:
    "A viewer reads. A worker asks, reports and tells, and reads only studies that it was given alone, by its token or by a grant. An editor does both, and creates, changes, runs and deletes studies. An owner also manages members, grants and tokens. In a single study an owner may do what an editor may.",
});

/** The public part of a token. */
export const TokenId = z.string().regex(new RegExp(`^${TOKEN_ID}$`));

const Days = z.int().min(1).max(366);

export const CreateTokenBody = z
  .strictObject({
    name: Id,
    role: Role.nullable().optional().meta({
      description:
        "Its role in the team, or null if grants are to give it its rights. A token of a member need not have one: then it may do all that the member may.",
    }),
    member: Id.optional().meta({
      description: "The member that it belongs to: it never has more rights than the member has then.",
    }),
    study: Id.optional().meta({ description: "Restricts the token to one study." }),
    days: Days.optional().meta({ description: "Days until it expires; 90 by default." }),
  })
  .refine(({ role, member }) => role !== undefined || member !== undefined, {
    path: ["role"],
    message:
      "Name a role, or null if grants are to give the token its rights, or a `member` whose rights it has.",
  });

export const MAX_FORMER_HOURS = 7 * 24;

export const RotateTokenBody = z.strictObject({
  formerHours: z.int().min(0).max(MAX_FORMER_HOURS).optional().meta({
    description:
      "Hours for which the former secret stays valid beside the new one; 24 by default. 0 ends every earlier secret at once.",
  }),
  days: Days.optional().meta({
    description: "Days from now until the token expires; without it, it expires when it would have.",
  }),
});

export const Token = z.strictObject({
  id: TokenId,
  name: Id,
  role: Role.nullable().meta({
    description: "null: it has the rights of its member, or those that grants give it.",
  }),
  member: Id.nullable(),
  study: Id.nullable(),
  created: Timestamp,
  expires: Timestamp,
  formerExpires: Timestamp.nullable().meta({
    description: "Until when the secret before the last rotation is valid; null if none is.",
  }),
  lastUsed: Timestamp.nullable().meta({
    description: "When it was last used, to about ten minutes; null: never.",
  }),
});

export const CreatedToken = z.strictObject({
  ...Token.shape,
  token: z.string().meta({ description: "The secret. It will not be shown again and is stored nowhere." }),
});

export const TokenPage = z.strictObject({ tokens: z.array(Token), cursor: z.string().nullable() });

export type Role = z.infer<typeof Role>;
export type RotateTokenBody = z.infer<typeof RotateTokenBody>;
export type CreateTokenBody = z.infer<typeof CreateTokenBody>;
export type Token = z.infer<typeof Token>;
export type CreatedToken = z.infer<typeof CreatedToken>;
export type TokenPage = z.infer<typeof TokenPage>;
