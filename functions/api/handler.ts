import type { z } from "zod";
import type { RouteName, routes } from "../../shared/api/routes.ts";
import type { Caller } from "../../shared/auth/authorize.ts";
import type { ApiDeps, WriteContext } from "../../shared/service/core/deps.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";

type Routes = typeof routes;

type Parsed<N extends RouteName, K extends "body" | "query"> = Routes[N] extends {
  readonly [P in K]: infer S;
}
  ? S extends z.ZodType
    ? z.output<S>
    : never
  : null;

/** `T` if the route's path has this parameter, otherwise null. */
type Named<N extends RouteName, P extends string, T> = Routes[N]["path"] extends `${string}{${P}}${string}`
  ? T
  : null;

/** A checked request: it matches its route's schemas, and the caller is authorized. */
export interface Request<N extends RouteName> {
  readonly team: string;
  readonly study: Named<N, "study", LoadedStudy>;
  readonly number: Named<N, "number", number>;
  readonly token: Named<N, "token", string>;
  readonly member: Named<N, "member", string>;
  readonly grant: Named<N, "grant", string>;
  readonly sweep: Named<N, "sweep", string>;
  readonly query: Parsed<N, "query">;
  readonly body: Parsed<N, "body">;
  readonly caller: Caller;
  readonly write: WriteContext;
}

/** A reply that matches the route's schema; `location` is the id of the created resource, below the request's path. */
export interface Reply<N extends RouteName> {
  readonly body: Routes[N]["reply"] extends z.ZodType ? z.input<Routes[N]["reply"]> : null;
  readonly location?: string;
}

/** A reply that is not JSON. */
export interface TextReply {
  readonly text: string;
  readonly type: string;
  readonly fileName: string;
  /** The query of the next page, if there is one. */
  readonly next?: string;
}

/** Parsed input in, reply out; both types come from the table of routes. */
export type Handler<N extends RouteName> = (
  request: Request<N>,
  deps: ApiDeps,
) => Promise<Reply<N> | TextReply>;

export type Handlers = { readonly [N in RouteName]: Handler<N> };
