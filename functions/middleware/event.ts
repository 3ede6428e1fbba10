import type { MiddlewareObj } from "@middy/core";
import type {
  APIGatewayProxyEventV2WithLambdaAuthorizer,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import type { Caller } from "../../shared/auth/authorize.ts";
import type { Receipt } from "../../shared/store/receipt.ts";
import type { Match } from "../api/router.ts";

/** What the authorizer hands on: a Caller as JSON, since API Gateway makes texts of everything. */
export interface AuthorizerContext {
  readonly caller?: string;
}

/** A request of the HTTP API (payload 2.0), and what each middleware learnt of it before the handler runs. */
export interface ApiEvent extends APIGatewayProxyEventV2WithLambdaAuthorizer<AuthorizerContext | null> {
  /** By `route`. */
  match: Match;
  /** By `caller`. */
  caller: Caller;
  /** By `body`: parsed, not yet checked against the route's schema; {} when there was none. */
  json: unknown;
  /** By `idempotency`. */
  receipt: Receipt | null;
}

export type ApiReply = APIGatewayProxyStructuredResultV2;

export type Middleware = MiddlewareObj<ApiEvent, ApiReply, Error, Context>;
