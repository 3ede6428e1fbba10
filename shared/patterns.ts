/** How ids are written, as sources of regular expressions. Schemas, router, authorizer and job names share them. */

/** A team, a study, a name: 3 to 63 characters, safe in a path, a key and a job name. */
export const ID = "[a-z0-9][a-z0-9-]{2,62}";

/** A study, or a part of its nested cross-validation, as it is known inside Hone: no client names a study with a point. */
export const STUDY_OR_PART = `${ID}(?:\\.[0-9]{1,2})?`;

/** Below a team's path: the team itself. */
export const TEAM_ITSELF = "/team";

/** The public part of a token, by which it is found. */
export const TOKEN_ID = "[a-z0-9]{12}";

/** A grant, by a hash of whom and what it is for. */
export const GRANT_ID = "[0-9a-f]{24}";

/** A trial's number in a path: no leading zeros, so that a trial has one address. */
export const TRIAL_NUMBER = "0|[1-9][0-9]{0,8}";

/** What EventBridge Scheduler replaces in a message by the time at which the firing was due. */
export const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";
