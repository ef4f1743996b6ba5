/** Computes what a client shows while own updates are pending. */
import type { State } from '../../shared/contract/messages.ts';
import type { SentUpdate } from '../../shared/field/update.ts';

import type { ServerState } from './server-state.ts';

export interface Prediction {
  /**
   * The server's state with own updates on top.
   * @param device the device that made the updates
   * @param pending the own updates that the state does not contain, in order
   */
  buildView(server: ServerState, device: string, pending: readonly SentUpdate[]): State;
}
