/** Shows whether the page is live: in the header, in the document's title and, while it is not, to screen readers. */
import type { FieldClient } from '../../client/types.ts';
import { byId, setText } from '../dom.ts';
import { formatCount } from '../format.ts';
import { explain } from '../help/tooltip.ts';
import { colorOf } from '../identity/colors.ts';
import { findLinkState, type LinkState, linkTexts } from './link-state.ts';

interface Viewing {
  /** The version on display, if it is not the current one. */
  readonly pastVersion: number | undefined;
  readonly isAnswering: boolean;
}

/** A stream that is reopened within this time, for example by another tab, is no outage. */
const reconnectMs = 1000;

/** @returns a function that shows the current status */
export function createConnectionStatus(client: FieldClient): (viewing: Viewing) => LinkState {
  const status = byId('status', HTMLElement);
  const root = document.documentElement;
  let connectedAt: number | undefined;
  const icon = byId('icon', HTMLLinkElement);
  icon.href = `${icon.href}#${colorOf(client.state.field)}`;
  const setMeaning = explain(byId('status-term', HTMLElement), 'link-connecting', { isTerm: true });
  return ({ pastVersion, isAnswering }) => {
    const { status: current, problem, state } = client;
    const now = performance.now();
    if (current === 'live' || current === 'polling') connectedAt = now;
    const link = findLinkState({
      status: current,
      problem: problem?.code,
      isAnswering,
      isDown: connectedAt !== undefined && now - connectedAt > reconnectMs,
      isOnline: navigator.onLine,
    });
    const text = linkTexts[link];
    const isPast = pastVersion !== undefined;
    const isConnected = link === 'live' || link === 'delayed';
    setMeaning(`link-${isPast ? 'history' : link}`);
    setText(status, isPast ? `history${isConnected ? '' : `, ${text}`}` : text);
    root.dataset.link = isPast ? 'history' : link;
    const note = isPast ? 'history' : isConnected ? '' : text;
    document.title = `${note && `(${note}) `}${state.field} – Consciousness field`;
    showPending(client);
    byId('sign-in', HTMLElement).hidden = link !== 'refused';
    return link;
  };
}

/** The number of own updates that the server has not applied yet. */
function showPending({ outbox, pending }: Pick<FieldClient, 'outbox' | 'pending'>): void {
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
