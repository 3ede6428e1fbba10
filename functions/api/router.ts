import {
  type Gate,
  gates,
  HEALTH_PATH,
  type PathParameter,
  pathParameters,
  type Route,
  type RouteName,
  routes,
} from "../../shared/api/routes.ts";
import { NotFound } from "../../shared/errors.ts";
import { GRANT_ID, ID, TOKEN_ID, TRIAL_NUMBER } from "../../shared/patterns.ts";

/** The route of a request, and the parameters of its path. */
export interface Match {
  readonly route: RouteName | "health";
  /** Whose tree the path lies in; the health route is open. */
  readonly gate: Gate | "open";
  readonly path: Readonly<Record<PathParameter, string>>;
}

/** Longer than any valid path. */
const MAX_PATH = 512;

/**
 * Finds the route of a request by its path as API Gateway hands it over: it decodes percent-encoding before it chooses a
 * route, so `%2f` is a slash there, in the authorizer and here, and an encoded path reaches what the plain one does. Paths
 * contain only fixed words and ids of lower-case letters, digits and hyphens, so `..`, `//`, capitals, `%` and a trailing
 * slash match no route. A known path with another method is a 404 too.
 * @throws NotFound
 */
export const matchRoute = (method: string, path: string): Match => {
  if (method === "GET" && path === HEALTH_PATH) return { route: "health", gate: "open", path: NO_PATH };
  if (path.length <= MAX_PATH) {
    for (const { name, gate, method: wanted, pattern } of patterns) {
      const groups = method === wanted ? pattern.exec(path)?.groups : undefined;
      if (groups !== undefined) return { route: name, gate, path: { ...NO_PATH, ...groups } };
    }
  }
  throw new NotFound({ kind: "no-path" });
};

const NO_PATH: Match["path"] = {
  team: "",
  study: "",
  number: "",
  token: "",
  member: "",
  grant: "",
  sweep: "",
};

/** How each path parameter is written. */
const forms: Readonly<Record<PathParameter, string>> = {
  team: ID,
  study: ID,
  number: TRIAL_NUMBER,
  token: TOKEN_ID,
  member: ID,
  grant: GRANT_ID,
  sweep: ID,
};

const isParameter = (name: string): name is PathParameter => name in pathParameters;

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path.replace(/\{(\w+)\}/g, (_, name: string) => {
      if (!isParameter(name)) throw new Error(`Route ${path} has an unknown parameter ${name}.`);
      return `(?<${name}>${forms[name]})`;
    })}$`,
  );

const patterns = (Object.entries(gates) as [Gate, string][]).flatMap(([gate, base]) =>
  (Object.entries(routes) as [RouteName, Route][]).map(([name, route]) => ({
    name,
    gate,
    method: route.method,
    pattern: patternOf(`${base}${route.path}`),
  })),
);
