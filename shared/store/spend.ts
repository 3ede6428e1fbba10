import { spendKey } from "./keys.ts";
import type { Change, Condition, Item, Store } from "./store.ts";

/**
 * What a team spends in one month, in an item of its own: what the attempts that have ended used, and in `bound` that and all that the
 * attempts that run may still use, each up to its time-out. A limit is a condition on one number, so `bound` is kept as one. Money is
 * counted in millionths of a dollar, time in seconds.
 */
export interface Spend {
  /** Trials of which a first job was submitted in the month. */
  readonly trials: number;
  readonly gpuSeconds: number;
  readonly vcpuSeconds: number;
  readonly micros: number;
  readonly boundGpuSeconds: number;
  readonly boundMicros: number;
}

/** What an attempt may use at most, set aside when it is submitted and given back when it ends. */
export interface Reservation {
  /** In which it counts, whenever it ends: the one in which it was submitted, UTC. */
  readonly month: string;
  /** Its time-out. */
  readonly seconds: number;
  readonly gpus: number;
  readonly vcpus: number;
  /** What so many seconds cost. */
  readonly micros: number;
}

/** Limits of a month; absent where there is none. */
export interface SpendLimits {
  readonly trials?: number;
  readonly gpuSeconds?: number;
  readonly micros?: number;
}

export const NOTHING_SPENT: Spend = {
  trials: 0,
  gpuSeconds: 0,
  vcpuSeconds: 0,
  micros: 0,
  boundGpuSeconds: 0,
  boundMicros: 0,
};

/** The name under which a reservation fails that a limit leaves no room for. */
export const SPEND = "spend";

const fits = (name: keyof Spend, more: number, limit: number | undefined): Condition[] =>
  limit === undefined || more === 0
    ? []
    : [
        {
          expression: `(attribute_not_exists(#${name}) OR #${name} <= :${name})`,
          values: { [name]: limit - more },
        },
      ];

/** Sets aside what an attempt may use, and counts a trial of which it is the first job; fails under SPEND when a limit leaves no room. */
export const reserve = (
  team: string,
  { month, seconds, gpus, micros }: Reservation,
  isFirst: boolean,
  limits: SpendLimits,
): Change => {
  const trials = isFirst ? 1 : 0;
  const conditions = [
    ...fits("trials", trials, limits.trials),
    ...fits("boundGpuSeconds", gpus * seconds, limits.gpuSeconds),
    ...fits("boundMicros", micros, limits.micros),
  ];
  return {
    name: SPEND,
    key: spendKey(team, month),
    update: { add: { trials, boundGpuSeconds: gpus * seconds, boundMicros: micros } },
    ...(conditions.length > 0 && {
      when: {
        expression: conditions.map(({ expression }) => expression).join(" AND "),
        values: Object.assign({}, ...conditions.map(({ values }) => values)),
      },
    }),
  };
};

/** What so many seconds of an attempt cost, at the price it was submitted at. */
export const costOf = ({ seconds: most, micros }: Reservation, seconds: number): number =>
  Math.round((micros * seconds) / most);

/** An attempt has used so many seconds: they are spent, and its reservation ends. */
export const settle = (team: string, reservation: Reservation, seconds: number): Change =>
  settleRest(team, reservation, 0, seconds);

/**
 * The job of an attempt that has ended before has ended, too, and its reservation with it.
 * @param spent seconds that are spent already.
 * @param seconds that its job took, all in all.
 */
export const settleRest = (
  team: string,
  reservation: Reservation,
  spent: number,
  seconds: number,
): Change => {
  const { gpus, micros } = reservation;
  const cost = costOf(reservation, seconds);
  return add(team, reservation, {
    ...usedIn(reservation, seconds - spent),
    micros: cost - costOf(reservation, spent),
    boundGpuSeconds: gpus * (seconds - reservation.seconds),
    boundMicros: cost - micros,
  });
};

/** An attempt has used so many seconds, and its job may run on: the rest stays set aside for it. */
export const spendReserved = (team: string, reservation: Reservation, seconds: number): Change =>
  add(team, reservation, { ...usedIn(reservation, seconds), micros: costOf(reservation, seconds) });

/** Seconds of an attempt that holds no reservation, any more or at all, are spent. */
export const spendMore = (team: string, reservation: Reservation, seconds: number): Change => {
  const used = usedIn(reservation, seconds);
  const micros = costOf(reservation, seconds);
  return add(team, reservation, {
    ...used,
    micros,
    boundGpuSeconds: used.gpuSeconds,
    boundMicros: micros,
  });
};

const usedIn = ({ gpus, vcpus }: Reservation, seconds: number) => ({
  gpuSeconds: gpus * seconds,
  vcpuSeconds: vcpus * seconds,
});

const add = (team: string, { month }: Reservation, numbers: Readonly<Record<string, number>>): Change => ({
  name: SPEND,
  key: spendKey(team, month),
  update: { add: numbers },
});

/** What a team has spent in a month. */
export const findSpend = async (store: Store, team: string, month: string): Promise<Spend> =>
  readSpend((await store.get(spendKey(team, month))) ?? {});

const readSpend = (item: Item): Spend => ({ ...NOTHING_SPENT, ...(item as Partial<Spend>) });
