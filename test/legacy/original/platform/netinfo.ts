/**
 * A network that is there until the test ends. Questions are answered at intervals: the hook asks before it connects, it connects
 * whenever it renders, and it renders whenever it connects. Sixteen phones on one machine would otherwise take all of its processor time.
 */
import { setTimeout as delay } from 'node:timers/promises';

const intervalMs = 3000;
const state = { isConnected: true };
let answered: Promise<unknown> = Promise.resolve();

export default {
  fetch: (): Promise<typeof state> => {
    const answer = answered.then(() => state);
    if (state.isConnected) answered = answer.then(() => delay(state.isConnected ? intervalMs : 0));
    return answer;
  },
  addEventListener: (listener: (now: typeof state) => void) => {
    listener(state);
    return () => undefined;
  },
  disconnect: () => {
    state.isConnected = false;
  },
};
