import * as z from "zod";
import { TOKEN_ID } from "../patterns.ts";
import { Id, Timestamp } from "../values.ts";

/** What a token may do: the actions of each role are in `auth/authorize.ts`. */
export const Role = z.enum(["viewer", "worker", "editor", "owner"]).meta({
  description:
    "A viewer reads. A worker asks, reports and tells, and reads only the study that its token is restricted to. An editor does both, and creates, changes, runs and deletes studies. An owner also creates and revokes tokens.",
});

/** The public part of a token. */
export const TokenId = z.string().regex(new RegExp(`^${TOKEN_ID}$`));

export const CreateTokenBody = z.strictObject({
  name: Id,
  role: Role,
  study: Id.optional().meta({ description: "Restricts the token to one study." }),
  days: z.int().min(1).max(366).optional().meta({ description: "Days until it expires; 90 by default." }),
});

export const Token = z.strictObject({
  id: TokenId,
  name: Id,
  role: Role,
  study: Id.nullable(),
  created: Timestamp,
  expires: Timestamp,
});

export const CreatedToken = z.strictObject({
  ...Token.shape,
  token: z.string().meta({ description: "The secret. It will not be shown again and is stored nowhere." }),
});

export const TokenPage = z.strictObject({ tokens: z.array(Token), cursor: z.string().nullable() });

export type Role = z.infer<typeof Role>;
export type CreateTokenBody = z.infer<typeof CreateTokenBody>;
export type Token = z.infer<typeof Token>;
export type CreatedToken = z.infer<typeof CreatedToken>;
export type TokenPage = z.infer<typeof TokenPage>;
