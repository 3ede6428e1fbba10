import { InvalidJson, TooLarge, UnsupportedMediaType } from "../../shared/errors.ts";
import { parseStrictJson } from "../../shared/strict-json.ts";
import type { ApiEvent, Middleware } from "./event.ts";

/** API Gateway allows 10 MB; no valid body needs more than this. */
export const MAX_BODY_BYTES = 256 * 1024;

/** Parses the body; a request without one has `{}`. */
export const body = (): Middleware => ({
  before: ({ event }) => {
    const text = readText(event);
    event.json = text === "" ? {} : parseStrictJson(text);
  },
});

const readText = (event: ApiEvent): string => {
  const { body = "", headers, isBase64Encoded } = event;
  if (body === "") return "";
  refuseOtherMedia(headers);
  const bytes = Buffer.byteLength(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes > MAX_BODY_BYTES) throw new TooLarge({ kind: "body-too-large", limitKiB: MAX_BODY_BYTES / 1024 });
  const text = isBase64Encoded ? decode(body) : body;
  if (text.startsWith("\ufeff")) throw new InvalidJson({ kind: "byte-order-mark" });
  // API Gateway decodes JSON bodies itself, and puts U+FFFD where bytes are not UTF-8. Who means it can write \ufffd.
  const isBroken = !isBase64Encoded && text.includes("\ufffd");
  if (isBroken || !text.isWellFormed()) throw new InvalidJson({ kind: "not-utf8" });
  return text;
};

const refuseOtherMedia = (headers: ApiEvent["headers"]): void => {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new UnsupportedMediaType({ kind: "compressed-body" });
  }
  const type = headers["content-type"];
  if (type === undefined) throw new UnsupportedMediaType({ kind: "no-media-type" });
  const [media = "", ...parameters] = type
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  if (!/^application\/(json|[a-z0-9!#$&^_.+-]+\+json)$/.test(media)) {
    throw new UnsupportedMediaType({ kind: "other-media-type" });
  }
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new UnsupportedMediaType({ kind: "other-charset" });
  }
};

const decode = (base64: string): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw new InvalidJson({ kind: "not-utf8" });
  }
};
