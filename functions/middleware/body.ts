import { InvalidJson, TooLarge, UnsupportedMediaType } from "../../shared/errors.ts";
import type { ApiEvent, Middleware } from "./event.ts";
import { parseStrictJson } from "./strict-json.ts";

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
  if (bytes > MAX_BODY_BYTES) throw new TooLarge(`The body is larger than ${MAX_BODY_BYTES / 1024} KiB.`);
  const text = isBase64Encoded ? decode(body) : body;
  if (text.startsWith("\ufeff"))
    throw new InvalidJson("The body begins with a byte order mark. Leave it out.");
  if (!text.isWellFormed()) throw new InvalidJson("The body is not valid UTF-8.");
  return text;
};

const refuseOtherMedia = (headers: ApiEvent["headers"]): void => {
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new UnsupportedMediaType("Bodies are not to be compressed: leave Content-Encoding out.");
  }
  const type = headers["content-type"];
  if (type === undefined) throw new UnsupportedMediaType("Send the header Content-Type: application/json.");
  const [media = "", ...parameters] = type
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  if (!/^application\/(json|[a-z0-9!#$&^_.+-]+\+json)$/.test(media)) {
    throw new UnsupportedMediaType("Only JSON is understood: send Content-Type: application/json.");
  }
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new UnsupportedMediaType("JSON is sent in UTF-8.");
  }
};

const decode = (base64: string): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    throw new InvalidJson("The body is not valid UTF-8.");
  }
};
