import { Duration, type RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  CorsHttpMethod,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
  HttpApi as V2Api,
} from "aws-cdk-lib/aws-apigatewayv2";
import {
  HttpIamAuthorizer,
  HttpLambdaAuthorizer,
  HttpLambdaResponseType,
} from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { BASE_PATH, HEALTH_PATH, IAM_BASE_PATH, type Route, routes } from "../../shared/api/routes.ts";

/**
 * A cached policy would still be used after a token was revoked; docs/decisions/0001-refusals-in-the-handler.md has the cost
 * of not caching.
 */
const NOT_CACHED = Duration.seconds(0);

/** The stage that is served without a part of the path. */
const STAGE = "$default";

export interface HttpApiProps {
  readonly origins: readonly string[];
  readonly throttle: { readonly rate: number; readonly burst: number };
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The HTTP API: two routes for each entry of `shared/api/routes.ts`, one behind the authorizer for bearer tokens and one for
 * requests that AWS credentials sign; the open health route; and one for all other paths.
 */
export class HttpApi extends Construct {
  readonly api: V2Api;
  /** Base URL up to and including `/v1`. */
  readonly url: string;
  /** What the ARN of every route begins with. */
  readonly stageArn: string;

  constructor(scope: Construct, id: string, props: HttpApiProps) {
    super(scope, id);
    this.api = new V2Api(this, "Api", {
      apiName: Stack.of(this).stackName,
      createDefaultStage: false,
      ...(props.origins.length > 0 && { corsPreflight: cors(props.origins) }),
    });
    new HttpStage(this, "Stage", {
      httpApi: this.api,
      stageName: STAGE,
      autoDeploy: true,
      throttle: { rateLimit: props.throttle.rate, burstLimit: props.throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, "AccessLog", {
            retention: props.logRetention,
            removalPolicy: props.removalPolicy,
          }),
        ),
        format: accessLog,
      },
    });
    this.url = `${this.api.apiEndpoint}/v1`;
    this.stageArn = Stack.of(this).formatArn({
      service: "execute-api",
      resource: this.api.apiId,
      resourceName: STAGE,
    });
  }

  /** Adds the routes. Not done in the constructor, because the handler's environment contains the URL. */
  servedBy(handler: IFunction, authorizer: IFunction): void {
    // One permission for the whole API instead of one per route.
    const integration = new HttpLambdaIntegration("Api", handler, { scopePermissionToRoute: false });
    const bearer = new HttpLambdaAuthorizer("Bearer", authorizer, {
      // A policy instead of a boolean limits a token to its team's paths. It implies payload format 1.0.
      responseTypes: [HttpLambdaResponseType.IAM],
      // With an identity source, API Gateway would answer a request without a token itself, with a bare 401.
      identitySource: [],
      resultsCacheTtl: NOT_CACHED,
    });
    const signed = new HttpIamAuthorizer();
    const add = (name: string, method: Route["method"], path: string, gate: IHttpRouteAuthorizer) =>
      new HttpRoute(this, name, {
        httpApi: this.api,
        routeKey: HttpRouteKey.with(path, HttpMethod[method]),
        integration,
        authorizer: gate,
      });
    for (const [name, route] of Object.entries<Route>(routes)) {
      add(`Route-${name}`, route.method, `${BASE_PATH}${route.path}`, bearer);
      add(`IamRoute-${name}`, route.method, `${IAM_BASE_PATH}${route.path}`, signed);
    }
    add("Route-health", "GET", HEALTH_PATH, new HttpNoneAuthorizer());
    // Whatever no route matches: the handler answers 404 with a reason, and nothing else.
    new HttpRoute(this, "Route-none", {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration,
      authorizer: new HttpNoneAuthorizer(),
    });
  }
}

const cors = (origins: readonly string[]) => ({
  allowOrigins: [...origins],
  allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.PATCH, CorsHttpMethod.DELETE],
  allowHeaders: ["authorization", "content-type", "idempotency-key"],
  exposeHeaders: ["location", "retry-after"],
  maxAge: Duration.hours(1),
});

/** `$context.path` has no query string, and no header is logged, so the log contains neither tokens nor parameters. */
const accessLog = AccessLogFormat.custom(
  JSON.stringify({
    time: "$context.requestTime",
    requestId: "$context.requestId",
    ip: "$context.identity.sourceIp",
    route: "$context.routeKey",
    path: "$context.path",
    status: "$context.status",
    bytes: "$context.responseLength",
    latencyMs: "$context.responseLatency",
    integrationMs: "$context.integrationLatency",
    error: "$context.error.message",
    integrationError: "$context.integrationErrorMessage",
    authorizerError: "$context.authorizer.error",
  }),
);
