import { Presets, SingleBar } from "cli-progress";

/** The progress of a study. */
export interface Standing {
  readonly done: number;
  readonly total: number;
  readonly running: number;
  /** The best value so far, or null. */
  readonly best: number | null;
}

export interface Progress {
  show(standing: Standing): void;
  end(): void;
}

const text = ({ running, best }: Standing, seconds: number | null): string =>
  [
    `best ${best === null ? "-" : best.toFixed(4)}`,
    `running ${running}`,
    `ETA ${seconds === null ? "-" : `${Math.round(seconds)} s`}`,
  ].join("   ");

/** Estimates the remaining seconds from the trials done so far; counts down until the next trial ends. */
const estimator = () => {
  const started = performance.now();
  let latest = { done: 0, at: started };
  return ({ done, total }: Standing): number | null => {
    const now = performance.now();
    if (done !== latest.done) latest = { done, at: now };
    if (done === 0) return null;
    const rest = ((latest.at - started) / done) * (total - done) - (now - latest.at);
    return Math.max(0, rest / 1000);
  };
};

/** On a terminal a progress bar; otherwise one line per 10% of the trials. */
export const showProgress = (stream: NodeJS.WriteStream = process.stdout): Progress => {
  const estimate = estimator();
  const describe = (standing: Standing): string => text(standing, estimate(standing));
  return stream.isTTY ? bar(stream, describe) : lines(stream, describe);
};

const bar = (stream: NodeJS.WriteStream, describe: (standing: Standing) => string): Progress => {
  const single = new SingleBar(
    { stream, format: "{bar} {value}/{total}   {text}", barsize: 30, hideCursor: true, gracefulExit: false },
    Presets.rect,
  );
  let isStarted = false;
  return {
    show: (standing) => {
      if (!isStarted) single.start(standing.total, standing.done, { text: describe(standing) });
      isStarted = true;
      single.update(standing.done, { text: describe(standing) });
    },
    end: () => single.stop(),
  };
};

const lines = (stream: NodeJS.WriteStream, describe: (standing: Standing) => string): Progress => {
  let shown = -1;
  return {
    show: (standing) => {
      const tenth = Math.floor((10 * standing.done) / standing.total);
      if (tenth === shown) return;
      shown = tenth;
      stream.write(`${String(standing.done).padStart(3)}/${standing.total}   ${describe(standing)}\n`);
    },
    end: () => {},
  };
};
