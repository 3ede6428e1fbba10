import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Which room may import which, and the rules by which Biome enforces it. A room is a folder, or a file that stands for
 * itself. `npm run arrows` writes `.biome/arrows.json`, which `biome.json` extends; `test/arrows.test.ts` plants every
 * arrow that is missing here.
 */

const core = [
  "shared/numerics",
  "shared/errors.ts",
  "shared/sentences",
  "shared/values.ts",
  "shared/json-pointer.ts",
  "shared/bytes.ts",
];
const schemas = ["shared/schemas", "shared/values.ts", "shared/patterns.ts", "shared/prices.ts"];
const belowStudy = [
  ...new Set([...core, ...schemas]),
  "shared/space",
  "shared/optimizer",
  "shared/scheduler",
  "shared/sweep",
  "shared/executor",
  "shared/store",
  "shared/ports.ts",
];
/** The service reaches the numerics through the optimizer only. */
const belowService = [
  ...belowStudy.filter((room) => room !== "shared/numerics"),
  "shared/study",
  "shared/auth",
  "shared/letters.ts",
  "shared/deployment.ts",
];

const inService = (...rooms: readonly string[]) => rooms.map((room) => `shared/service/${room}`);
const serviceRooms = inService(
  ...["core", "access", "batch", "trials", "rounds", "studies", "sweeps", "teams", "repair"],
);

/** Per room, what it may import beside itself. */
export const arrows: Readonly<Record<string, readonly string[]>> = {
  "shared/numerics": [],
  "shared/sentences": ["shared/values.ts"],
  "shared/patterns.ts": [],
  "shared/prices.ts": [],
  "shared/json-pointer.ts": [],
  "shared/deployment.ts": [],
  "shared/bytes.ts": [],
  "shared/letters.ts": [],
  "shared/patience.ts": [],
  "shared/strict-json.ts": ["shared/errors.ts", "shared/json-pointer.ts"],
  "shared/errors.ts": ["shared/sentences"],
  "shared/values.ts": ["shared/patterns.ts"],
  "shared/space": core,
  "shared/optimizer": [...core, "shared/space"],
  "shared/scheduler": core,
  "shared/sweep": core,
  "shared/schemas": [
    "shared/values.ts",
    "shared/patterns.ts",
    "shared/prices.ts",
    "shared/errors.ts",
    "shared/space",
    "shared/optimizer",
    "shared/scheduler",
    "shared/sweep",
  ],
  "shared/ports.ts": [...schemas, "shared/scheduler"],
  "shared/auth": [...schemas, "shared/errors.ts", "shared/letters.ts"],
  "shared/executor": [
    ...schemas,
    "shared/ports.ts",
    "shared/scheduler",
    "shared/errors.ts",
    "shared/sentences",
    "shared/deployment.ts",
  ],
  "shared/store": [
    ...schemas,
    "shared/space",
    "shared/scheduler",
    "shared/sweep",
    "shared/errors.ts",
    "shared/sentences",
    "shared/bytes.ts",
  ],
  "shared/study": [...belowStudy, "shared/deployment.ts"],
  "shared/service/core": belowService,
  "shared/service/access": [...belowService, ...inService("core")],
  "shared/service/batch": [...belowService, ...inService("core")],
  "shared/service/trials": [...belowService, ...inService("core", "batch")],
  "shared/service/rounds": [...belowService, ...inService("core", "batch")],
  "shared/service/studies": [...belowService, ...inService("core", "batch", "access", "trials")],
  "shared/service/sweeps": [...belowService, ...inService("core", "access", "batch", "studies")],
  "shared/service/teams": [...belowService, ...inService("core", "studies", "sweeps")],
  "shared/service/repair": [...belowService, ...inService("core", "batch", "studies", "teams")],
  "shared/api": [...schemas, "shared/auth", "shared/space", "shared/errors.ts"],
  functions: [...belowService, ...serviceRooms, "shared/api", "shared/strict-json.ts"],
  infra: ["shared/api", "shared/deployment.ts", "shared/prices.ts"],
  local: ["shared/schemas", "shared/deployment.ts", "shared/patience.ts"],
  cli: [
    ...schemas,
    "shared/errors.ts",
    "shared/deployment.ts",
    "shared/patience.ts",
    "shared/strict-json.ts",
    "shared/store",
    ...inService("access"),
  ],
};

/** Rooms that know neither Node nor AWS, no clock, no environment and no global randomness. */
export const pureRooms = [
  "shared/numerics",
  "shared/space",
  "shared/optimizer",
  "shared/scheduler",
  "shared/sweep",
  "shared/sentences",
];

const isFile = (room: string) => room.endsWith(".ts");

/** How an import of a room is written, seen from a file of another room. */
const importsOf = (room: string, from: string): string[] => {
  const path = room.replace(/^shared\//, "");
  if (isFile(room)) {
    if (!from.startsWith("shared/")) return [`**/${room}`];
    // A room may have an errors.ts of its own, so only paths that lead out of it count.
    return [`./${path}`, `../${path}`, `../../${path}`, `../../../${path}`].slice(isFile(from) ? 0 : 1);
  }
  const sibling = room.startsWith("shared/service/") && from.startsWith("shared/service/");
  // `batch` is a folder of the executor too: among the rooms of the service only the relative path tells.
  const name = path.replace(/^service\//, "");
  return sibling ? [`../${name}/**`, `../../${name}/**`] : [`**/${path}/**`];
};

const overrideOf = (room: string, allowed: readonly string[]) => {
  const isPure = pureRooms.includes(room);
  const others = Object.keys(arrows).filter((other) => other !== room);
  const denied = others
    .filter((other) => !allowed.includes(other))
    .flatMap((other) => importsOf(other, room));
  const outside = isPure ? ["node:*", "@aws-sdk/*", "@middy/*"] : [];
  return {
    includes: [isFile(room) ? room : `${room}/**`],
    ...(isPure && { plugins: ["./.biome/no-global-chance.grit"] }),
    linter: {
      rules: {
        style: {
          ...(isPure && { noRestrictedGlobals: error({ deniedGlobals }) }),
          noRestrictedImports: error({
            patterns: [
              {
                group: [...outside, ...denied],
                message: `${room} must not import this: .biome/arrows.ts has the arrows.`,
              },
            ],
          }),
        },
      },
    },
  };
};

const error = <T>(options: T) => ({ level: "error", options });

const deniedGlobals = {
  Date: "The core reads no clock: take the time as an argument.",
  process: "The core knows no environment.",
  fetch: "The core does no input or output.",
  crypto: "Take a Random.",
};

/** What `.biome/arrows.json` must hold. */
export const rules = () =>
  `${JSON.stringify({ overrides: Object.entries(arrows).map(([room, to]) => overrideOf(room, to)) }, null, 1)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("arrows.json", import.meta.url), rules());
}
