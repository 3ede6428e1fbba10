import type { MiddlewareObj } from "@middy/core";
import type {
  APIGatewayProxyEventV2WithLambdaAuthorizer,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import type { Caller } from "../../shared/auth/authorize.ts";
import type { Audit } from "../../shared/store/audit.ts";
import type { Receipt } from "../../shared/store/receipt.ts";
import type { Match } from "../api/router.ts";

/** The authorizer's context: the Caller as JSON, because API Gateway passes only strings. */
export interface AuthorizerContext {
  readonly caller?: string;
}

/** A request of the HTTP API (payload format 2.0), with what each middleware adds for the handler. */
export interface ApiEvent extends APIGatewayProxyEventV2WithLambdaAuthorizer<AuthorizerContext | null> {
  /** By `route`. */
  match: Match;
  /** By `caller`. */
  caller: Caller;
  /** By `lastUse`: the note that it makes of a token's use, if it makes one. */
  noting?: Promise<void>;
  /** By `body`: parsed, not yet checked against the route's schema; {} if there is no body. */
  json: unknown;
  /** By `idempotency`. */
  receipt: Receipt | null;
  /** By `audit`; absent for what is not audited. */
  audit?: Audit;
}

export type ApiReply = APIGatewayProxyStructuredResultV2;

export type Middleware = MiddlewareObj<ApiEvent, ApiReply, Error, Context>;
