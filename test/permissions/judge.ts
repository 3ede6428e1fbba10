import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { Need } from "../support/recorder/note.ts";
import { ACCOUNT, type Document } from "./deployment.ts";

export interface Question {
  /** ARN, or a service. */
  readonly principal: string;
  readonly need: Need;
  readonly identityPolicies: readonly Document[];
  readonly resourcePolicy?: Document | undefined;
  /** Of the session, which then may do no more than it says. */
  readonly sessionPolicy?: Document | undefined;
  /** Condition keys beside those of the need. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

/** Asks what AWS would say. @returns null when it is allowed, otherwise the reason. */
export const judge = async (question: Question): Promise<string | null> => {
  const { principal, need, identityPolicies, resourcePolicy, sessionPolicy, context } = question;
  const result = await runSimulation(
    {
      request: {
        principal,
        action: need.action,
        resource: { resource: need.resource, accountId: ACCOUNT },
        contextVariables: { "aws:SecureTransport": "true", ...need.context, ...context },
      },
      identityPolicies: identityPolicies.map((policy, i) => ({ name: `policy ${i}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy && { resourcePolicy }),
      ...(sessionPolicy && { sessionPolicy }),
    },
    {},
  );
  if (result.resultType === "error") return JSON.stringify(result.errors);
  return result.overallResult === "Allowed" ? null : result.overallResult;
};
