import { type FactsOf, wording } from "./table.ts";

/** Why a request is refused as a whole. Each sentence says what is wrong and, where there is one, what to do. */
const sentences = {
  // What is not there, or not for this caller.
  "no-path": () => "Nothing exists at this path.",
  "another-team": () => "There is nothing here that this token can see.",
  "no-team": ({ team }: { team: string }) => `There is no team ${team}.`,
  "team-deleted": () => "The team is being deleted. Nothing can be done for it any more.",
  "team-being-deleted": ({ team }: { team: string }) =>
    `A team ${team} is being deleted. Its name can be used again when nothing is left of it; that takes some minutes.`,
  "no-token": ({ id }: { id: string }) => `There is no token ${id} in this team.`,
  "no-member": ({ name }: { name: string }) => `There is no member ${name} in this team.`,
  "no-grant": ({ grant }: { grant: string }) => `There is no grant ${grant} in this team.`,
  "no-sweep": ({ sweep }: { sweep: string }) => `There is no sweep ${sweep} in this team.`,
  "no-study": ({ study }: { study: string }) => `There is no study ${study} in this team.`,
  "no-trial": ({ trial }: { trial: number }) => `There is no trial ${trial} in this study.`,

  // Credentials and rights.
  "credential-missing": () => "Send a token: Authorization: Bearer hone_...",
  "credential-malformed": () => "Not a valid Hone token. Send Authorization: Bearer hone_...",
  "credential-unknown": () => "The token is unknown, revoked or mistyped.",
  "credential-expired": ({ expired }: { expired: string }) =>
    `The token expired at ${expired}. Create another one.`,
  "credential-replaced": ({ ended }: { ended: string }) =>
    `This secret of the token was replaced, and ended at ${ended}. Use the one that its rotation gave.`,
  "not-signed": () =>
    "Sign the request with AWS credentials: Signature Version 4, service execute-api. For bearer tokens the same path begins with /v1.",
  "identity-unknown": () =>
    "This AWS identity is neither a session of a team's role nor one that Hone made. Assume the role of your team, with the tags team and study.",
  "session-ended": () =>
    "The session has ended, or whoever made it has lost the rights. Get another one with POST …/credentials.",
  "job-token-elsewhere": () => "The token of a job gives access to its own trial only.",
  "job-token-stale": () => "The token does not belong to the trial's current attempt. Stop this run.",
  "token-of-one-study": ({ study }: { study: string }) => `This token is restricted to study ${study}.`,
  "token-of-one-trial": () => "The token of a trial gives access to its own trial only.",
  "token-of-one-attempt": ({ attempt }: { attempt: number }) =>
    `This token is valid for attempt ${attempt} only.`,
  "role-not-allowed": ({ role, action }: { role: string; action: string }) =>
    `The role ${role} does not allow this (${action}).`,
  "no-role": ({ action }: { action: string }) =>
    `This credential has a role in single studies only, and none in the team, which this needs (${action}).`,
  "worker-without-study": () =>
    "A worker's token reads only the study that it is restricted to. Create it with a `study`, or read with a viewer's token.",
  "session-makes-none": () =>
    "A session that Hone made makes no further one. Ask with what it was made with: a token, or your team's role.",
  "job-token-not-allowed": ({ token, action }: { token: string; action: string }) =>
    `A ${token} token must not do this (${action}).`,
  "told-by-its-job": () =>
    "Hone runs this study's trials as jobs, and each is told by its own job. Only an editor or an owner may do so in its place.",

  // Trials and attempts.
  "already-told": ({ trial, state }: { trial: number; state: string }) =>
    `Trial ${trial} is already ${state} with another result; the first result stands.`,
  "stale-attempt": ({ trial, given, current }: { trial: number; given: number; current: number }) =>
    given > current
      ? `Trial ${trial} is on attempt ${current}; there is no attempt ${given} yet.`
      : `Attempt ${given} of trial ${trial} no longer owns it (the trial is on attempt ${current}). Stop this run.`,
  "claim-lost": ({ trial, attempt }: { trial: number; attempt: number }) =>
    `Another job claimed attempt ${attempt} of trial ${trial} first. Do nothing and exit 0.`,
  "claim-of-stranger": ({ trial, attempt }: { trial: number; attempt: number }) =>
    `The job that claims was not submitted for attempt ${attempt} of trial ${trial}. Do nothing and exit 0.`,

  // The state of a study.
  "study-paused": () => "The study is paused. Resume it, then start it.",
  "study-finished": () => "The study is finished. Extend its budget to run it again.",
  "space-exhausted": ({ left }: { left: number }) =>
    `Every configuration of the search space has been tried, with ${left} trials of the budget left: a larger budget changes nothing. Enqueue configurations to try them again.`,
  "not-worth-more": () =>
    "The study ended because a further trial was expected to gain less than its `leastGain`; a larger budget changes nothing. Create a study without it, with this one in `warmStart`.",
  "folds-begun": () =>
    "The searches of the outer folds run with the budget that they began with. Stop the study, change the budget, and start it again.",
  "rounds-begun": () =>
    "The rounds of this study have begun, so the number of its trials can no longer change.",
  "budget-below-used": ({ used }: { used: number }) =>
    `${used} trials were handed out already; the budget cannot be lower than that.`,
  "budget-without-room": ({ left, wanted }: { left: number; wanted: number }) =>
    `The budget leaves room for ${left} more trials, not ${wanted}. Extend it first.`,
  "trials-of-nested": () =>
    "Each outer fold of nested cross-validation searches by itself, so trials cannot be added. Use a study without it.",
  "race-begun": () =>
    "The first race has begun, and all of its configurations must meet the same instances. Send configurations before the first ask.",
  "last-owner": ({ name }: { name: string }) =>
    `${name} is the last member who owns the team. Make another member an owner first.`,
  "member-leaving": ({ name }: { name: string }) =>
    `The member ${name} is being removed. Delete it again to finish that, then add it anew.`,
  "rotated-lately": ({ until }: { until: string }) =>
    `Two secrets of the token are valid until ${until}, and there may be no third. Wait, or rotate with "formerHours": 0, which ends both at once.`,
  "token-of-member": ({ id, member }: { id: string; member: string }) =>
    `The token ${id} has the rights of its member ${member}, and no others. Give the grant to the member.`,
  "too-many-grants": ({ most }: { most: number }) =>
    `A token is named by at most ${most} grants. Let it belong to a member, who may have more.`,
  "team-exists": ({ team }: { team: string }) => `The team ${team} already exists.`,
  "batch-refuses": () =>
    "AWS Batch refuses this study's image, command, environment or size. Check the study's `executor`.",

  // The other executor.
  "ask-of-batch": () => "Hone runs this study's trials itself. Start it instead of asking.",
  "start-of-client": () =>
    "The clients of this study run its trials: ask for them. There is nothing to start.",
  "stop-of-client": () => "The clients of this study run its trials. Pause the study instead of stopping it.",
  "claim-of-client": () => "Only jobs that Hone runs claim their trials. Ask for the trials of this study.",
  "release-of-job": () =>
    "Hone sees how a job of its own ends: nothing need be told. Exit with code 75 to have the trial run again.",

  // Idempotency and secrets.
  "key-reused": () =>
    "This Idempotency-Key was used within 24 hours with another body. Use a new key for a new request.",
  "key-malformed": () => "An Idempotency-Key is 1 to 255 visible ASCII characters.",
  "in-progress": () => "The same request, with the same Idempotency-Key, is in progress.",
  "secret-shown": ({ id }: { id: string }) =>
    `A secret of the token ${id} was shown when this key was first used, and is not shown again. Rotate the token to get another one.`,

  // Limits and load.
  "too-many-studies": ({ most }: { most: number }) =>
    `A team has at most ${most} studies. Delete some of them first.`,
  "too-many-sweeps": ({ most }: { most: number }) =>
    `A team has at most ${most} sweeps. Delete some of them first.`,
  "too-many-requests": ({ most }: { most: number }) =>
    `A team makes at most ${most} requests per second over ten seconds. Wait as long as Retry-After says.`,
  "too-many-creations": ({ most }: { most: number }) =>
    `A team creates at most ${most} studies, sweeps, tokens, members and grants per minute.`,
  internal: () => "An internal error occurred. Please report it with the request id.",
  busy: () => "Hone is busy; nothing was lost. Retry.",
  "too-slow": () => "The request took too long. Retry it with the same Idempotency-Key.",
  "token-unchecked": () => "The token could not be checked at the moment. Retry.",
  "sessions-refused": () =>
    "AWS made no credentials. Whoever runs this deployment finds the reason in the log, under `session-refused`.",
  "no-machines": () => "The machines for batch studies are not deployed here (stack HoneCompute).",

  // Bodies and replies.
  "not-json": () => "The body is not valid JSON.",
  "not-utf8": () =>
    "The body is not valid UTF-8. Encode it as UTF-8, or write other characters as \\u escapes.",
  "byte-order-mark": () => "The body begins with a byte order mark. Leave it out.",
  "key-twice": ({ key }: { key: string }) => `The key ${JSON.stringify(key)} occurs twice in one object.`,
  "syntax-error": ({ line, column, code }: { line: number; column: number; code: string }) =>
    `The body is not valid JSON at line ${line}, column ${column}${syntaxDetail[code] ?? ""}.`,
  "non-finite-literal": ({ literal, line, column }: { literal: string; line: number; column: number }) =>
    `${literal} at line ${line}, column ${column} is not JSON. ${NON_FINITE_HINT}`,
  "body-too-large": ({ limitKiB }: { limitKiB: number }) => `The body is larger than ${limitKiB} KiB.`,
  "body-too-deep": ({ levels }: { levels: number }) => `The body is nested deeper than ${levels} levels.`,
  "reply-too-large": ({ limitMB }: { limitMB: number }) =>
    `The answer is larger than ${limitMB} MB. Ask for less at once: a smaller \`count\` or \`limit\`.`,
  "item-too-large": ({ what, limitKiB }: { what: string; limitKiB: number }) =>
    `What would be stored (${what}) is larger than the ${limitKiB} KiB that one item of the table may have. Send less.`,
  "write-too-large": ({ limitMiB }: { limitMiB: number }) =>
    `What would be stored is larger than the ${limitMiB} MiB that one transaction may have. Send less at once.`,
  "compressed-body": () => "Compressed bodies are not supported: leave Content-Encoding out.",
  "no-media-type": () => "Send the header Content-Type: application/json.",
  "other-media-type": () => "Only JSON is supported: send Content-Type: application/json.",
  "other-charset": () => "Send JSON in UTF-8.",
};

/** How to send what JSON has no number for. */
export const NON_FINITE_HINT =
  'JSON has no such number: send the string "nan", "inf" or "-inf", or tell the trial as failed with {"failed": {"reason": "..."}}.';

/** By the parser's codes, where there is more to say than the position. */
const syntaxDetail: Readonly<Partial<Record<string, string>>> = {
  PropertyNameExpected: ": a key in double quotes is expected",
  ColonExpected: ": a colon is expected",
  CommaExpected: ": a comma is expected",
  ValueExpected: ": a value is expected",
  CloseBraceExpected: ": } is expected",
  CloseBracketExpected: ": ] is expected",
  EndOfFileExpected: ": something follows the value",
  InvalidCommentToken: ": JSON has no comments",
  UnexpectedEndOfString: ": a string is not closed",
  InvalidEscapeCharacter: ": an escape is not valid",
  InvalidCharacter: ": a control character must be escaped",
};

export type Refusal = FactsOf<typeof sentences>;
export type RefusalOf<K extends Refusal["kind"]> = Extract<Refusal, { readonly kind: K }>;

export const refusalSentence = wording(sentences);
