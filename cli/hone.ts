#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// The commands are TypeScript: to strip and compile them anew takes longer than most of them run.
enableCompileCache();
await import("./main.ts");
