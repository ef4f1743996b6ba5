/** The connection status and the number of own updates that the server has not applied yet. */
import type { FieldClient, Status } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { formatCount } from '../format.ts';

const statusTexts: Readonly<Record<Status, string>> = {
  live: 'live',
  polling: 'live, delayed by a few seconds',
  connecting: 'connecting',
  offline: 'offline: your changes are saved and will be sent later',
  refused: 'access denied',
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
      ...(queued > 0 ? [`${formatCount(queued)} queued`] : []),
      ...(accepted > 0 ? [`${formatCount(accepted)} in flight`] : []),
    ].join(', '),
  );
}
