import type { Exchange } from "./call.ts";
import { bytesOf, type RequestNote, size } from "./note.ts";

/** Where the emulator serves deployed HTTP APIs: `/_aws/execute-api/ID/STAGE/path`, or a host of their own, as AWS does. */
const EXECUTE_API = /^\/_aws\/execute-api\/[^/]+\/[^/]+(\/[^?]*)/;
const OWN_HOST = /^[a-z0-9]+\.execute-api\./;

/** Reads one request to the deployed API. @returns null when it is none. */
export const noteRequest = ({
  method,
  path,
  headers,
  status,
  answer,
  answerHeaders,
  ms,
}: Exchange): RequestNote | null => {
  const [route] = OWN_HOST.test(String(headers.host))
    ? path.split("?")
    : (EXECUTE_API.exec(path)?.slice(1) ?? []);
  if (route === undefined) return null;
  // What the Lambda answered, as near as can be told from outside.
  const response = JSON.stringify({ statusCode: status, headers: answerHeaders, body: answer });
  return {
    kind: "request",
    method,
    path: route,
    status,
    sizes: [size("HTTP API integration", Math.round(ms)), size("Lambda response", bytesOf(response))],
  };
};
