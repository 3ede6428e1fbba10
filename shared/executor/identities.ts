import { HttpRequest, type HttpResponse } from "@smithy/core/protocols";
import type { SignatureV4 } from "@smithy/signature-v4";
import { Unavailable } from "../errors.ts";
import { type Identities, SESSION_NAME, type SessionRequest, type SessionSecrets } from "../ports.ts";
import { sessionPolicy } from "./session-policy.ts";
import { textOf } from "./signed-call.ts";

/**
 * STS, and the roles of the deployment: the only file that calls it. One request needs no more than the signer and the HTTP
 * handler that every client of the SDK brings along; STS's own client adds 18 kB to a bundle.
 */
export interface IdentitiesOptions extends Omit<Identities, "makeSession" | "region"> {
  /** URL of STS. */
  readonly url: string;
  /** Signs for the service `sts`. */
  readonly signer: Pick<SignatureV4, "sign">;
  readonly send: (request: HttpRequest) => Promise<{ readonly response: HttpResponse }>;
  readonly userAgent: string;
  /** ARN of the API's stage. */
  readonly stageArn: string;
  /** Path of a team in the API, with `{team}` for its name. */
  readonly tree: string;
}

const SERVER_ERROR = 500;
const PASSING = /throttl|timeout|slow ?down/i;

export const identities = (options: IdentitiesOptions): Identities => ({
  teamRoles: options.teamRoles,
  sessionsRole: options.sessionsRole,
  api: options.api,
  bucket: options.bucket,
  region: options.stageArn.split(":")[3] ?? "",
  makeSession: async (request) => {
    try {
      return readSecrets(await call(options, request));
    } catch (error) {
      const { name = "", status = 0 } = error as { name?: string; status?: number };
      const isPassing = !(error instanceof Refusal) || status >= SERVER_ERROR || PASSING.test(name);
      throw Object.assign(new Unavailable({ kind: isPassing ? "busy" : "sessions-refused" }), {
        cause: error,
      });
    }
  },
});

/** What STS answered instead of a session. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, name: string, message: string) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

const call = async (options: IdentitiesOptions, request: SessionRequest): Promise<string> => {
  const { protocol, hostname, port, host, pathname } = new URL(options.url);
  const signed = await options.signer.sign(
    new HttpRequest({
      method: "POST",
      protocol,
      hostname,
      ...(port !== "" && { port: Number(port) }),
      path: pathname,
      headers: { host, "content-type": "application/x-www-form-urlencoded", "user-agent": options.userAgent },
      body: bodyOf(options, request),
    }),
  );
  const { response } = await options.send(new HttpRequest(signed));
  const text = await textOf(response);
  if (response.statusCode < 300) return text;
  throw new Refusal(response.statusCode, field(text, "Code") ?? "unknown", field(text, "Message") ?? "");
};

const bodyOf = (options: IdentitiesOptions, { id, team, study, prefix, seconds }: SessionRequest): string => {
  const { stageArn, tree, bucket } = options;
  return new URLSearchParams({
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: options.sessionsRole,
    RoleSessionName: `${SESSION_NAME}${id}`,
    DurationSeconds: String(seconds),
    "Tags.member.1.Key": "team",
    "Tags.member.1.Value": team,
    "Tags.member.2.Key": "study",
    "Tags.member.2.Value": study,
    Policy: sessionPolicy({ stageArn, tree, bucket, team, study, prefix }),
  }).toString();
};

/** @throws Refusal when a part is missing. */
const readSecrets = (text: string): SessionSecrets => {
  const part = (name: string): string => {
    const found = field(text, name);
    if (found === null) throw new Refusal(200, "incomplete", `STS answered without ${name}.`);
    return found;
  };
  return {
    accessKeyId: part("AccessKeyId"),
    secretAccessKey: part("SecretAccessKey"),
    sessionToken: part("SessionToken"),
    expires: Date.parse(part("Expiration")),
  };
};

/** The text of an element of the answer: none has attributes, or characters that XML must escape, where it counts. */
const field = (text: string, name: string): string | null =>
  new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? null;
