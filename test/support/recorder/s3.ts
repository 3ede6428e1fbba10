import type { Need } from "./note.ts";

/** A request to S3 by what it does. @param path with its query. @returns method and path when we do not know it. */
export const s3Operation = (method: string, path: string): string => {
  if (method === "GET") return queryOf(path).has("list-type") ? "ListObjectsV2" : "GetObject";
  const known = { HEAD: "HeadObject", PUT: "PutObject", DELETE: "DeleteObject" }[method];
  return known ?? `${method} ${path.replace(/\?.*$/, "")}`;
};

/** What the operations need: to see whether an object exists one must be allowed to get it. */
const actions: Readonly<Record<string, string>> = {
  HeadObject: "s3:GetObject",
  GetObject: "s3:GetObject",
  PutObject: "s3:PutObject",
  DeleteObject: "s3:DeleteObject",
};

/** @param path of a bucket that is known by its path, with the query. */
export const needsOfS3 = (operation: string, path: string): Need[] | null => {
  const [, place = ""] = /^\/([^?]*)/.exec(path) ?? [];
  const resource = `arn:aws:s3:::${decodeURIComponent(place).replace(/\/$/, "")}`;
  if (operation === "ListObjectsV2") {
    const context = { "s3:prefix": queryOf(path).get("prefix") ?? "" };
    return [{ action: "s3:ListBucket", resource, context }];
  }
  const action = actions[operation];
  return action === undefined ? null : [{ action, resource }];
};

/** The signature in a presigned URL, in the form that a header would have. @returns "" when there is none. */
export const presignature = (path: string): string => {
  const query = queryOf(path);
  return query.has("X-Amz-Signature") ? `AWS4-HMAC-SHA256 Credential=${query.get("X-Amz-Credential")}` : "";
};

const queryOf = (path: string): URLSearchParams => new URLSearchParams(path.replace(/^[^?]*\??/, ""));
