/** Grants that the tests of the stack never use, and why they stay: the role, the action and, if only one, its resource. */
export const unusedFor: Readonly<Record<string, string>> = {};
