import { readdirSync, readFileSync } from "node:fs";

/** CPU seconds of this process and of everything that it started; other work on the machine does not change them. */
export interface CpuTime {
  /** The drivers of the load, and the proxy in front of the API. */
  readonly own: number;
  readonly emulator: number;
  readonly lambdas: number;
}

/** Linux counts CPU time in hundredths of a second. */
const TICKS = 100;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly seconds: number;
  /** CPU time of its children that have ended. */
  readonly ended: number;
}

/** A line of `/proc/PID/stat`: the name is in parentheses and may contain anything. */
export const parseStat = (text: string): Stat => {
  const [open, close] = [text.indexOf("("), text.lastIndexOf(")")];
  const fields = text.slice(close + 2).split(" ");
  const ticks = (...indices: readonly number[]) => indices.reduce((sum, i) => sum + Number(fields[i]), 0);
  return {
    pid: Number(text.slice(0, open)),
    parent: Number(fields[1]),
    name: text.slice(open + 1, close),
    seconds: ticks(11, 12) / TICKS,
    ended: ticks(13, 14) / TICKS,
  };
};

const processes = (): Stat[] =>
  readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      return [parseStat(readFileSync(`/proc/${entry}/stat`, "utf8"))];
    } catch {
      return []; // it has ended
    }
  });

/** @returns null where there is no `/proc`. */
export const cpuTime = (): CpuTime | null => {
  if (process.platform !== "linux") return null;
  const all = processes();
  const time = { own: 0, emulator: 0, lambdas: 0 };
  const add = (parent: number, isBelowEmulator: boolean): void => {
    for (const one of all.filter((each) => each.parent === parent)) {
      const isEmulator = one.name.startsWith("python");
      if (isEmulator) {
        time.emulator += one.seconds;
        time.lambdas += one.ended;
      } else if (isBelowEmulator) time.lambdas += one.seconds;
      add(one.pid, isBelowEmulator || isEmulator);
    }
  };
  add(process.pid, false);
  const { user, system } = process.cpuUsage();
  time.own = (user + system) / 1e6;
  return time;
};
