import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { clientSettings } from "./emulator.ts";

/** An error of AWS's JSON protocol, with its name. */
export class AwsError extends Error {}

/** The services that are called so, and what their operations' names begin with. */
const TARGETS = { secretsmanager: "secretsmanager", ssm: "AmazonSSM" } as const;
export type AwsService = keyof typeof TARGETS;

export type AwsCall = (service: AwsService, operation: string, body: object) => Promise<unknown>;

/**
 * Calls services of the emulator of which two or three operations are needed, so that their clients need not be installed.
 * @returns a function that calls one operation. @throws AwsError from it.
 */
export const awsCaller = (endpoint: string): AwsCall => {
  const { credentials, region, sha256 } = new EventBridgeClient(clientSettings(endpoint)).config;
  const { protocol, hostname, port, host } = new URL(endpoint);
  return async (service, operation, body) => {
    const text = JSON.stringify(body);
    const signed = await new SignatureV4({ service, credentials, region, sha256 }).sign(
      new HttpRequest({
        method: "POST",
        protocol,
        hostname,
        ...(port !== "" && { port: Number(port) }),
        path: "/",
        headers: {
          host,
          "content-type": "application/x-amz-json-1.1",
          "x-amz-target": `${TARGETS[service]}.${operation}`,
        },
        body: text,
      }),
    );
    const { host: _host, ...headers } = signed.headers;
    const reply = await fetch(endpoint, { method: "POST", headers, body: text });
    const answer = (await reply.json()) as { __type?: string; message?: string; Message?: string };
    if (reply.ok) return answer;
    const { __type = "UnknownError", message = answer.Message ?? "" } = answer;
    throw new AwsError(`${__type.replace(/^.*#/, "")}: ${message}`);
  };
};
