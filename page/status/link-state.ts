/** The state of the connection as the page shows it. Pure. */
import type { Status } from '../../client/types.ts';

/**
 * - `live`: changes arrive as they happen
 * - `delayed`: changes are polled every two seconds
 * - `silent`: the connection is open, and the server does not answer
 * - `blocked`: something other than the server answers, or the server does not allow the page
 * - `refused`: the server does not accept the token
 */
export type LinkState = 'live' | 'delayed' | 'silent' | 'connecting' | 'offline' | 'blocked' | 'refused';

export interface LinkFacts {
  readonly status: Status;
  /** The code of the client's newest problem. */
  readonly problem: string | undefined;
  /** Whether the server has answered in time. */
  readonly isAnswering: boolean;
  /** Whether the connection has been lost for longer than it takes to open another one. */
  readonly isDown: boolean;
  /** Whether the browser reports a network. */
  readonly isOnline: boolean;
}

const blockedProblems = ['cors_blocked', 'unexpected_response'];

export function findLinkState({ status, problem, isAnswering, isDown, isOnline }: LinkFacts): LinkState {
  if (status === 'refused') return 'refused';
  if (status === 'live' || status === 'polling') {
    if (!isAnswering) return isOnline ? 'silent' : 'offline';
    return status === 'live' ? 'live' : 'delayed';
  }
  if (problem !== undefined && blockedProblems.includes(problem)) return 'blocked';
  if (status === 'offline' || isDown || !isOnline) return 'offline';
  return 'connecting';
}

/** The displayed texts; `index.html` explains each. */
export const linkTexts: Readonly<Record<LinkState, string>> = {
  live: 'live',
  delayed: 'delayed',
  silent: 'no answer',
  connecting: 'connecting',
  offline: 'offline',
  blocked: 'blocked',
  refused: 'access denied',
};
