/** The state machine of the connection: its states, the events that move it and one transition function. Pure. */
import type { TransportEnd } from './transport.ts';

/**
 * Every state but `stopped` and `open` covers both an attempt to connect and the pause before it.
 * - `stopped`: not started, or stopped
 * - `connecting`: the first attempt, or the first after an open stream ended
 * - `renewingToken`: the server rejected the token; the next attempt follows at once with another one
 * - `open`: messages arrive
 * - `offline`: the last attempt failed
 * - `refused`: the server rejects this device, its next token included; attempts are rare
 */
export type ConnectionState = 'stopped' | 'connecting' | 'renewingToken' | 'open' | 'offline' | 'refused';

/**
 * - `started`, `stopped`: requested by the client
 * - `opened`: a transport is open
 * - otherwise why a transport ended, or could not be opened
 */
export type ConnectionEvent = 'started' | 'stopped' | 'opened' | TransportEnd['reason'];

/** @returns the next state, which is the same one when the event does not apply */
export function nextConnectionState(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  if (event === 'stopped') return 'stopped';
  if (event === 'started') return 'connecting';
  if (state === 'stopped') return 'stopped';
  if (event === 'opened') return 'open';
  if (event === 'forbidden') return 'refused';
  if (event === 'expired') return state === 'renewingToken' || state === 'refused' ? 'refused' : 'renewingToken';
  return state === 'open' ? 'connecting' : 'offline';
}
