/** The dialog that shares the field: a link and a QR code, with or without a token that allows watching. */
import type { FieldClient } from '../../client/types.ts';
import { createElement, setText } from '../dom.ts';
import { fieldAddress } from './address.ts';
import { requestApi } from './api.ts';
import { createDialog } from './dialog.ts';
import { createQrCode } from './qr-code.ts';

export interface SharedField {
  readonly client: FieldClient;
  readonly field: string;
  /** Whether this page itself watches by a link, and so can pass on only its token. */
  readonly isViewer: boolean;
}

interface ViewerToken {
  readonly token: string;
  readonly expiresAt: number;
}

/** How long a button says what it has done. */
const noticeMs = 2500;
const hour = 3600;
const lifetimes = [
  ['1 hour', hour],
  ['1 day', 24 * hour],
  ['1 week', 7 * 24 * hour],
] as const;

export function openShareDialog({ client, field, isViewer }: SharedField): void {
  const { dialog, content } = createDialog('share', `Share ${field}`);
  const picture = createElement('div', { className: 'qr' });
  const link = createElement('input', {});
  const note = createElement('p', { className: 'hint' });
  const lifetime = createLifetimeSelect();
  const kinds = createKinds(lifetime);
  note.setAttribute('role', 'status');
  link.readOnly = true;
  link.setAttribute('aria-label', 'Link');
  link.addEventListener('focus', () => link.select());

  const show = (url: string, text: string) => {
    link.value = url;
    picture.replaceChildren(createQrCode(url, 'QR code of the link'));
    setText(note, text);
  };
  const isWatching = () => isViewer || kinds.watch.checked;
  let latest = 0;
  const update = async () => {
    latest += 1;
    const request = latest;
    lifetime.disabled = !isWatching();
    if (!isWatching()) return show(fieldAddress(field), describePlainLink());
    // No link is shown until the chosen one is ready.
    link.value = '';
    picture.replaceChildren();
    setText(note, 'Making a link…');
    try {
      if (isViewer)
        return show(fieldAddress(field, await client.getToken()), 'Whoever has the link can watch, as you do.');
      const { token, expiresAt } = await createViewerToken(client, field, Number(lifetime.value));
      if (request !== latest) return;
      show(fieldAddress(field, token), `Whoever has the link can watch until ${formatTime(expiresAt)}.`);
    } catch (error) {
      if (request !== latest) return;
      picture.replaceChildren();
      link.value = '';
      setText(note, `There is no such link: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  kinds.element.addEventListener('change', () => void update());
  content.append(
    picture,
    createElement(
      'div',
      { className: 'share-side' },
      ...createLoopbackWarning(),
      ...(isViewer ? [] : [kinds.element]),
      createElement('div', { className: 'share-link' }, link, ...createActions(link, field)),
      note,
    ),
  );
  void update();
  dialog.showModal();
}

async function createViewerToken(client: FieldClient, field: string, lifetimeSeconds: number): Promise<ViewerToken> {
  const response = await requestApi(client, `fields/${field}/viewer-tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ lifetimeSeconds }),
  });
  return (await response.json()) as ViewerToken;
}

function createKinds(lifetime: HTMLSelectElement) {
  const createChoice = (value: string, title: string, hint: string) => {
    const input = createElement('input', {});
    Object.assign(input, { type: 'radio', name: 'share-kind', value });
    const texts = createElement(
      'span',
      {},
      createElement('b', { text: title }),
      createElement('small', { text: hint }),
    );
    return { input, label: createElement('label', { className: 'choice' }, input, texts) };
  };
  const open = createChoice(
    'open',
    'See and change',
    'With access of their own, which an open server gives to everybody',
  );
  const watch = createChoice('watch', 'Only watch', 'Without access of their own, for a limited time');
  open.input.checked = true;
  const legend = createElement('legend', { className: 'visually-hidden', text: 'What others can do' });
  const forText = createElement('label', { className: 'lifetime', text: 'The link works for' }, lifetime);
  const element = createElement('fieldset', { className: 'kinds' }, legend, open.label, watch.label, forText);
  return { element, watch: watch.input };
}

function createLifetimeSelect(): HTMLSelectElement {
  const select = createElement('select', {});
  for (const [text, seconds] of lifetimes) {
    const option = createElement('option', { text });
    option.value = String(seconds);
    select.append(option);
  }
  select.value = String(24 * hour);
  return select;
}

function createActions(link: HTMLInputElement, field: string): HTMLButtonElement[] {
  const copy = createElement('button', { className: 'solid', text: 'Copy' });
  copy.type = 'button';
  copy.addEventListener('click', async () => {
    if (!link.value) return;
    setText(copy, (await copyText(link)) ? 'Copied' : 'Press Ctrl+C');
    setTimeout(() => setText(copy, 'Copy'), noticeMs);
  });
  if (!('share' in navigator)) return [copy];
  const share = createElement('button', { className: 'quiet', text: 'Send…' });
  share.type = 'button';
  // Rejects when the user closes the system's dialog.
  share.addEventListener('click', () => {
    if (link.value) void navigator.share({ title: field, url: link.value }).catch(() => undefined);
  });
  return [copy, share];
}

/** The clipboard exists only in secure contexts, and a local network often has no https. */
async function copyText(link: HTMLInputElement): Promise<boolean> {
  link.select();
  try {
    await navigator.clipboard.writeText(link.value);
    return true;
  } catch {
    return document.execCommand('copy');
  }
}

function describePlainLink(): string {
  return 'The link contains no token.';
}

/** A phone that opens such an address would look for the server on itself. */
function createLoopbackWarning(): HTMLElement[] {
  if (!/^(localhost|127\.|\[::1\])/.test(location.hostname)) return [];
  const text = `${location.hostname} works on this computer only. For phones, start the server with “npm start -- --lan” and open the address that it prints.`;
  return [createElement('p', { className: 'warning', text })];
}

function formatTime(ms: number): string {
  return new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
