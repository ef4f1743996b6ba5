/**
 * What operators may change on the board. Every change is recorded before it is performed; one that would lose accepted updates,
 * or apply updates that no API has accepted, is refused.
 */

import type { Queue } from 'bullmq';
import type { FastifyRequest } from 'fastify';
import type { OperatorAction } from '../../db/operators/operator-action.ts';
import { FieldError } from '../../shared/errors.ts';

const discardHint = '`npx consciousness-field dead-letters` shows, retries and discards what can never be applied.';

interface BoardAction {
  /** For example `board.pause`, `board.remove`. */
  readonly action: string;
  readonly queueName: string | undefined;
  readonly jobId: string | undefined;
  /** The state of the jobs, for actions on all jobs in one state. */
  readonly state: string | undefined;
}

interface BoardParams {
  readonly queueName?: string;
  readonly jobId?: string;
  readonly queueStatus?: string;
}

/** @param path of the route, below the board's own */
export function parseBoardAction(path: string, params: BoardParams): BoardAction {
  const { queueName, jobId, queueStatus: state } = params;
  const names = path
    .replace(/^\/api\/queues/, '')
    .split('/')
    .filter((segment) => segment !== '' && !segment.startsWith(':'));
  const name = names.join('-');
  // The board calls both of them cleaning.
  return { action: `board.${name === 'clean' && jobId !== undefined ? 'remove' : name}`, queueName, jobId, state };
}

export function describeBoardAction(board: BoardAction, request: FastifyRequest): OperatorAction {
  const { action, queueName, jobId, state } = board;
  const target = queueName === undefined ? null : jobId === undefined ? queueName : `${queueName}/${jobId}`;
  const details = state === undefined ? null : { state };
  return { operator: request.operator?.name ?? '', origin: request.address, action, target, details };
}

/** @throws FieldError `would_lose_updates` or `forbidden`, with the reason */
export async function assertHarmless({ action, jobId, state }: BoardAction, queue: Queue | undefined): Promise<void> {
  switch (action) {
    case 'board.add':
    case 'board.update-data':
      throw new FieldError('forbidden', {
        detail: 'Updates are accepted by the API, or added with `npx consciousness-field enqueue`, and never edited',
      });
    case 'board.empty':
    case 'board.obliterate':
      throw createLossError();
    case 'board.clean':
      if (state === 'completed') return undefined;
      throw createLossError();
    case 'board.remove':
      return assertRemovable(queue, jobId);
  }
}

/** Also for a queue that is empty: an update may be accepted between a check and the action. */
function createLossError(): FieldError {
  return new FieldError('would_lose_updates', {
    detail: `Updates can be accepted at any moment, and this would delete those that have not been applied. ${discardHint}`,
  });
}

/** A job that has failed for good can be removed, since that is recorded. */
async function assertRemovable(queue: Queue | undefined, jobId: string | undefined): Promise<void> {
  const state = jobId === undefined ? undefined : await queue?.getJobState(jobId);
  if (state === undefined || state === 'unknown' || state === 'completed' || state === 'failed') return;
  throw new FieldError('would_lose_updates', {
    detail: `The job is ${state}: its updates were accepted and will be applied. Only a job that has failed can be removed`,
  });
}
