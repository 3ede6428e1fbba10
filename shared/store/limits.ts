/** Limits of DynamoDB that Hone's writes are planned against. */

/** Actions in one transaction. */
export const MAX_ACTIONS = 100;
