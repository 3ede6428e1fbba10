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

/** How much of the process's error output is shown when it ends. */
const LAST_WORDS = 2000;

/** @param patience seconds to wait for a reply. */
export const startLines = (command: string, args: readonly string[], patience: number): Lines => {
  const child = spawn(command, args, { stdio: "pipe", env: { ...process.env, ...ONE_THREAD } });
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-LAST_WORDS);
  });
  const died = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`${args.join(" ")} ended with ${code}:\n${words}`)));
    child.stdin.on("error", () => {}); // "close" has more details
  });
  died.catch(() => {});
  return {
    request: async (body) => {
      child.stdin.write(`${JSON.stringify(body)}\n`);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${args.join(" ")} gave no answer.`)), 1000 * patience);
      });
      const answer = replies.next().then(({ done, value }) => (done ? died : String(value)));
      try {
        return JSON.parse(await Promise.race([answer, died, late]));
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => child.kill(),
  };
};
