import { RECONCILED_PARTITION, REGISTRATION_PREFIX, registrationKey } from "./keys.ts";
import type { Change, Item, Store, Update } from "./store.ts";

/**
 * One small item per study for which a job definition is, or was, about to be registered: whoever registers may die before the
 * head names what it registered, so the reconciler looks what there is under the study's name.
 */
export interface Registration {
  readonly study: string;
  /** When the last one began, milliseconds since 1970. */
  readonly at: number;
}

/** A job definition is about to be registered. */
export const noteRegistration = ({ study, at }: Registration): Change & { update: Update } => ({
  name: "registration",
  key: registrationKey(study),
  update: { set: { at } },
});

/** Nothing is left of it; fails under the name "registration" when another one began. */
export const clearRegistration = ({ study, at }: Registration): Change => ({
  name: "registration",
  key: registrationKey(study),
  remove: true,
  when: { expression: "#at = :at", values: { at } },
});

const readRegistration = (study: string, item: Item): Registration => ({ study, at: Number(item.at) });

export const findRegistration = async (store: Store, study: string): Promise<Registration | null> => {
  const item = await store.get(registrationKey(study));
  return item === null ? null : readRegistration(study, item);
};

/** Studies for which a job definition was about to be registered, at that time or earlier. */
export const listRegistrations = async (store: Store, until: number): Promise<Registration[]> => {
  const items = await store.list(RECONCILED_PARTITION, REGISTRATION_PREFIX);
  return items
    .map((item) => readRegistration(String(item.sk).slice(REGISTRATION_PREFIX.length), item))
    .filter(({ at }) => at <= until);
};
