import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A process that answers each line of JSON with a line of JSON. */
export interface Lines {
  request<Reply>(body: object): Promise<Reply>;
  close(): void;
}

const ONE_THREAD = {
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  LOKY_MAX_CPU_COUNT: "1",
};

/** @param patience seconds to wait for an answer. */
export const startLines = (command: string, args: readonly string[], patience: number): Lines => {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, ...ONE_THREAD },
  });
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}.`)));
    child.stdin.on("error", reject);
  });
  died.catch(() => {});
  return {
    request: async (body) => {
      child.stdin.write(`${JSON.stringify(body)}\n`);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${args.join(" ")} gave no answer.`)), 1000 * patience);
      });
      try {
        const { value } = await Promise.race([replies.next(), died, late]);
        return JSON.parse(String(value));
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => child.kill(),
  };
};
