import fc from "fast-check";
import { expect, test } from "vitest";
import { matchRoute } from "../../../functions/api/router.ts";
import { type Route, type RouteName, routes } from "../../../shared/api/routes.ts";
import { NotFound } from "../../../shared/errors.ts";

const table = Object.entries(routes) as [RouteName, Route][];
const named = {
  team: "acme",
  study: "svm-1",
  number: "12",
  token: "abcdefghijkl",
  member: "ann",
  grant: "0123456789abcdef01234567",
};
const pathOf = (route: Route, tree = "/v1") =>
  `${tree}/teams/acme${route.path}`.replace(/\{(\w+)\}/g, (_, name: keyof typeof named) => named[name]);

test.each(table)("%s is found by its method and path", (name, route) => {
  const match = matchRoute(route.method, pathOf(route));
  expect(match.route).toBe(name);
  for (const [parameter, value] of Object.entries(named)) {
    const isNamed = parameter === "team" || route.path.includes(`{${parameter}}`);
    expect(match.path).toHaveProperty(parameter, isNamed ? value : "");
  }
});

test.each(table)("%s is found below /iam, too, and each tree has its own gate", (name, route) => {
  const [bearer, iam] = ["/v1", "/iam/v1"].map((tree) => matchRoute(route.method, pathOf(route, tree)));
  expect(bearer?.gate).toBe("bearer");
  expect(iam).toEqual({ ...bearer, gate: "iam" });
  expect(iam?.route).toBe(name);
});

test("the health route has no path parameters", () => {
  expect(matchRoute("GET", "/v1/healthz").route).toBe("health");
});

test.each([
  "/v1/teams/acme/studies/svm-1/../svm-2/ask",
  "/v1/teams/acme/studies/%2e%2e/ask",
  "/v1/teams/acme/studies/svm-1%2fask",
  "/v1/teams/acme//studies/svm-1/ask",
  "//v1/teams/acme/studies/svm-1/ask",
  "/v1/teams/acme/studies/SVM-1/ask",
  "/v1/teams/acme/studies/svm-1/ask/",
  "/v1/teams/acme/studies/svm-1/Ask",
  "/v1/teams/acme/studies/svm_1/ask",
  "/v1/teams/acme/studies/s1/ask",
  "/v1/teams/acme/studies/-svm/ask",
  `/v1/teams/acme/studies/${"s".repeat(64)}/ask`,
  `/v1/teams/acme/studies/${"s".repeat(10_240)}/ask`,
  "/v1/teams/acme/studies/svm-1/trials/01/tell",
  "/v1/teams/acme/studies/svm-1/trials/-1/tell",
  "/v1/teams/acme/studies/svm-1/trials/1.0/tell",
  "/v1/teams/acme/studies/svm-1/trials/9999999999/tell",
  "/v1/teams/acme/studies/svm-1\n/ask",
  "/v1/teams/acme/studies/svm-1/ask\n",
  "/v1/teams/acme/studies/svm-1/ask?x=1",
  "/iam/teams/acme/studies/svm-1/ask",
  "/iam/v1/healthz",
  "/iam/iam/v1/teams/acme/studies/svm-1/ask",
  "/v1/iam/v1/teams/acme/studies/svm-1/ask",
  "/IAM/v1/teams/acme/studies/svm-1/ask",
  "/iam/v1/teams/acme/studies/svm-1/../svm-2/ask",
  "/iam/v1/teams/acme/studies/svm-1%2fask",
  "/v0/teams/acme/studies/svm-1/ask",
  "/v1/teams/acme/studies/ſvm-1/ask",
  "/v1/teams/acme/__proto__",
  "",
  "/",
])("%j leads nowhere", (path) => {
  for (const method of ["GET", "POST", "PATCH", "DELETE"])
    expect(() => matchRoute(method, path)).toThrow(NotFound);
});

test("a known path with another method matches no route, as in API Gateway", () => {
  expect(() => matchRoute("PUT", "/v1/teams/acme/studies")).toThrow(NotFound);
  expect(() => matchRoute("GET", "/v1/teams/acme/studies/svm-1/ask")).toThrow(NotFound);
  expect(() => matchRoute("get", "/v1/teams/acme/studies")).toThrow(NotFound);
  expect(() => matchRoute("POST", "/v1/healthz")).toThrow(NotFound);
});

test("the parameters of any path that matches are valid ids", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "v1",
      "teams",
      "acme",
      "studies",
      "svm-1",
      "trials",
      "0",
      "ask",
      "tell",
      "..",
      "%2e",
      "",
      "A",
      "best",
    ),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.constantFrom("GET", "POST"), fc.array(piece, { maxLength: 8 }), (method, pieces) => {
      const path = `/v1/teams/${pieces.join("/")}`;
      let match: ReturnType<typeof matchRoute>;
      try {
        match = matchRoute(method, path);
      } catch (error) {
        expect(error).toBeInstanceOf(NotFound);
        return;
      }
      expect(match.path.team).toMatch(/^[a-z0-9][a-z0-9-]{2,62}$/);
      expect(match.path.study).toMatch(/^([a-z0-9][a-z0-9-]{2,62})?$/);
      expect(match.path.number).toMatch(/^\d{0,9}$/);
      const route: Route = match.route === "health" ? routes.best : routes[match.route];
      expect(path.split("/")).toHaveLength(`/v1/teams/{team}${route.path}`.split("/").length);
    }),
    { numRuns: 2000 },
  );
});
