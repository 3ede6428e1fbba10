import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";

/** Optuna's samplers: TPE with defaults, TPE multivariate and grouped with constant liar, or random. */
export type OptunaSampler = "default" | "multivariate" | "random";

/** Optuna in a Python process of its own, on one thread; one study at a time. */
export interface Optuna {
  study(space: SpaceDefinition, sampler: OptunaSampler, seed: number): Promise<void>;
  /** @returns the configuration and the CPU time that Optuna used for it, in seconds. */
  ask(): Promise<{ number: number; params: Params; seconds: number }>;
  tell(number: number, value: number): Promise<void>;
  fill(trials: readonly { params: Params; value: number }[]): Promise<void>;
  close(): void;
}

/** @param python the interpreter of the project's environment. */
export const startOptuna = (python: string): Optuna => {
  const script = fileURLToPath(new URL("optuna_peer.py", import.meta.url));
  const child = spawn(python, [script], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  });
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`Optuna's process ended with ${code}.`)));
  });
  died.catch(() => {});
  const request = async (body: object) => {
    child.stdin.write(`${JSON.stringify(body)}\n`);
    const { value } = await Promise.race([replies.next(), died]);
    return JSON.parse(String(value));
  };
  return {
    study: (space, sampler, seed) => request({ do: "study", space, sampler, seed }),
    ask: () => request({ do: "ask" }),
    tell: (number, value) => request({ do: "tell", number, value }),
    fill: (trials) => request({ do: "fill", trials }),
    close: () => child.stdin.end(),
  };
};
