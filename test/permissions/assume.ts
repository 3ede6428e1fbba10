import { expect } from "vitest";
import type { Document, Role } from "./deployment.ts";
import { judge } from "./judge.ts";

/** Who asks to assume a role, and what the own account of who asks allows. */
export interface Asker {
  readonly account: string;
  readonly identityPolicies: readonly Document[];
}

/**
 * Whether AWS lets a member of an account assume a role: where the session is tagged that takes two actions, and where the role is of another
 * account, both accounts must allow them.
 * @param request tags as `aws:RequestTag/…`, and the ExternalId, which only AssumeRole sees.
 * @param more condition keys of both.
 */
export const assumes = async (
  of: Role,
  { account, identityPolicies }: Asker,
  { "sts:ExternalId": externalId, ...request }: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Promise<boolean> => {
  const tags = Object.keys(request).map((key) => key.replace("aws:RequestTag/", ""));
  const context = { ...request, ...more, ...(tags.length > 0 && { "aws:TagKeys": tags }) };
  const own = { ...(externalId !== undefined && { "sts:ExternalId": externalId }) };
  const ask = (action: string, keys: Record<string, string | string[]>) =>
    judge({
      principal: `arn:aws:iam::${account}:role/member`,
      need: { action, resource: of.arn },
      identityPolicies,
      resourcePolicy: of.trust,
      context: keys,
    });
  const refusals = [
    await ask("sts:AssumeRole", { ...context, ...own }),
    ...(tags.length > 0 ? [await ask("sts:TagSession", context)] : []),
  ].filter((refusal) => refusal !== null);
  for (const refusal of refusals) expect(refusal).toMatch(/^(Implicitly|Explicitly)Denied$/);
  return refusals.length === 0;
};
