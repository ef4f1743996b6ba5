/** How things stand with the server, and what of one's own it does not have yet. */
import type { FieldClient, Status } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { formatCount } from '../format.ts';

const statusTexts: Readonly<Record<Status, string>> = {
  live: 'live',
  polling: 'live, a few seconds late',
  connecting: 'connecting',
  offline: 'offline: what you draw is kept and sent later',
  refused: 'not let in',
  closed: 'closed',
};

export function showConnectionStatus({
  status,
  outbox,
  pending,
}: Pick<FieldClient, 'status' | 'outbox' | 'pending'>): void {
  setText(byId('status', HTMLElement), statusTexts[status]);
  document.documentElement.dataset.link = status === 'polling' ? 'live' : status;
  const queued = outbox.filter((entry) => entry.status === 'queued').length;
  const accepted = Math.max(0, pending - queued);
  setText(
    byId('pending', HTMLElement),
    [
      ...(queued > 0 ? [`${formatCount(queued)} waiting to be sent`] : []),
      ...(accepted > 0 ? [`${formatCount(accepted)} on the way`] : []),
    ].join(', '),
  );
}
