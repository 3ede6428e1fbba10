import type { Route, RouteName } from "../../shared/api/routes.ts";
import { escapedBytes } from "../../shared/bytes.ts";
import { TooLarge } from "../../shared/errors.ts";
import { MAX_REPLY_BYTES } from "../../shared/study/capacity.ts";
import type { ApiReply } from "../middleware/event.ts";
import type { Reply, TextReply } from "./handler.ts";

export const healthReply: ApiReply = {
  statusCode: 200,
  headers: { "content-type": "application/json" },
  body: '{"status":"ok"}',
};

/**
 * A handler's reply as HTTP.
 * @throws TooLarge when the reply is too large.
 */
export const toReply = (route: Route, reply: Reply<RouteName> | TextReply, path: string): ApiReply => {
  if ("text" in reply) {
    return limited({
      statusCode: route.status,
      headers: {
        "content-type": reply.type,
        "content-disposition": `attachment; filename="${reply.fileName}"`,
        ...(reply.next !== undefined && { link: `<${path}?${reply.next}>; rel="next"` }),
      },
      body: reply.text,
    });
  }
  if (reply.body === null) return { statusCode: route.status };
  return limited({
    statusCode: route.status,
    headers: {
      "content-type": "application/json",
      ...(reply.location !== undefined && { location: `${path}/${reply.location}` }),
    },
    body: JSON.stringify(reply.body),
  });
};

const limited = (reply: ApiReply & { readonly body: string }): ApiReply => {
  // Most replies are small, and even if every byte were escaped they would be.
  const bytes = Buffer.byteLength(reply.body);
  if (2 * bytes <= MAX_REPLY_BYTES || escapedBytes(reply.body) <= MAX_REPLY_BYTES) return reply;
  throw new TooLarge({ kind: "reply-too-large", limitMB: MAX_REPLY_BYTES / 1e6 });
};
