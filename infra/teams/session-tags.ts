/**
 * The tags of a session, `team` and `study`, say what it may reach: roles name them in their permissions, and those who may
 * assume a role may set no others.
 */
const TAGS = ["team", "study"] as const;

/** A character that would be a wildcard if a tag were ever read as a pattern, as it is written in a pattern itself. */
const literally = (wildcard: "*" | "?") => `*\${${wildcard}}*`;

/** A team's and a study's name have none of these; with a slash a tag would name a part of a study's paths. */
const NOT_IN_A_TAG = [literally("*"), literally("?"), "*/*"];

/**
 * Who assumes the role must set both tags.
 * @param team null: any, for who sets it by rules of its own.
 */
export const withBothTags = (team: string | null) => ({
  ...(team !== null && { StringEquals: { "aws:RequestTag/team": team } }),
  StringLike: {
    ...(team === null && { "aws:RequestTag/team": "?*" }),
    "aws:RequestTag/study": "?*",
  },
  StringNotLike: {
    ...(team === null && { "aws:RequestTag/team": NOT_IN_A_TAG }),
    "aws:RequestTag/study": NOT_IN_A_TAG,
  },
});

/** Who tags the session may set these two and no others. */
export const withTheseTagsOnly = (team: string | null) => ({
  ...withBothTags(team),
  "ForAllValues:StringEquals": { "aws:TagKeys": [...TAGS] },
});
