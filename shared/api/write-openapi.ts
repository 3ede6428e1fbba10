import { writeFileSync } from "node:fs";
import { openApi } from "./openapi.ts";

/** `npm run openapi`. */
const file = new URL("../../docs/openapi.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(openApi(), null, 2)}\n`);
