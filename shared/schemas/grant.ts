import * as z from "zod";
import { GRANT_ID } from "../patterns.ts";
import { Id, Timestamp } from "../values.ts";
import { Role, TokenId } from "./token.ts";

/** A user, a role, or one session of a role. A name with `*` is refused, so that nobody takes it for a pattern. */
export const Arn = z
  .string()
  .max(512)
  .regex(
    /^arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:[\x21-\x29\x2b-\x7e]+$/,
    "Write the ARN of one user or role, as arn:aws:iam::111122223333:role/name, without `*`.",
  );

/** Whom a grant is for. */
export const GrantPrincipal = z.union([
  z.strictObject({ token: TokenId }),
  z.strictObject({ member: Id }),
  z.strictObject({ iam: Arn }),
]);

export const CreateGrantBody = z.strictObject({
  principal: GrantPrincipal,
  study: Id.nullable().meta({ description: "The one study; null: the whole team." }),
  role: Role,
});

export const GrantId = z.string().regex(new RegExp(`^${GRANT_ID}$`));

export const Grant = z.strictObject({
  grant: GrantId,
  principal: GrantPrincipal,
  study: Id.nullable(),
  role: Role,
  created: Timestamp,
  createdBy: z
    .string()
    .meta({ description: "Id of the token, or ARN of the AWS principal, that gave it; or `admin`." }),
});

export const GrantPage = z.strictObject({ grants: z.array(Grant), cursor: z.string().nullable() });

export type CreateGrantBody = z.infer<typeof CreateGrantBody>;
export type Grant = z.infer<typeof Grant>;
export type GrantPage = z.infer<typeof GrantPage>;
