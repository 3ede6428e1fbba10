import { switchKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** The kill switch of the whole deployment: while it is off, no job is submitted and messages stay in the queue. */
export const isDispatchOn = async (store: Store): Promise<boolean> =>
  (await store.get(switchKey))?.dispatch !== false;

export const switchDispatch = (on: boolean): Change => ({
  name: "switch",
  key: switchKey,
  put: { dispatch: on },
});
