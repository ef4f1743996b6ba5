/** The name and the colour that the user shows to others. Kept in this browser; others see them while this page is open. */
import { byId, createElement, setText } from '../dom.ts';
import { storageKey } from '../sharing/address.ts';
import { type Color, colors, isColor } from './colors.ts';

const identityKey = () => storageKey('field.identity');
const maxNameLength = 32;

export interface Identity {
  /** Empty if the user has chosen none. */
  readonly name: string;
  readonly color: Color;
}

/** A name as it is shown: in one line, cut off. Text of others is never trusted. */
export function toName(value: unknown): string {
  if (typeof value !== 'string') return '';
  return [...value.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()].slice(0, maxNameLength).join('');
}

function readIdentity(): Identity {
  try {
    const { name, color } = JSON.parse(localStorage.getItem(identityKey()) ?? '{}');
    if (isColor(color)) return { name: toName(name), color };
  } catch {
    // What is damaged counts as missing.
  }
  const [random = 0] = crypto.getRandomValues(new Uint8Array(1));
  const identity = { name: '', color: colors[random % colors.length] ?? 'teal' };
  localStorage.setItem(identityKey(), JSON.stringify(identity));
  return identity;
}

/** The button with the own name, and the dialog behind it. @param onChange called at once, and for each change */
export function startIdentity(onChange: (identity: Identity) => void): void {
  const button = byId('me', HTMLButtonElement);
  const dialog = byId('identity', HTMLDialogElement);
  const nameInput = byId('my-name', HTMLInputElement);
  nameInput.maxLength = maxNameLength;
  const options = colors.map((color) => {
    const input = createElement('input');
    Object.assign(input, { type: 'radio', name: 'color', value: color });
    byId('my-color', HTMLElement).append(
      createElement(
        'label',
        { className: `color ${color}` },
        input,
        createElement('span', { className: 'unseen', text: color }),
      ),
    );
    return input;
  });
  const show = (identity: Identity) => {
    setText(byId('my-label', HTMLElement), identity.name || 'You');
    byId('my-dot', HTMLElement).className = `person-dot ${identity.color}`;
    onChange(identity);
  };
  button.addEventListener('click', () => {
    const { name, color } = readIdentity();
    nameInput.value = name;
    for (const option of options) option.checked = option.value === color;
    dialog.showModal();
  });
  byId('identity-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close());
  byId('identity-form', HTMLFormElement).addEventListener('submit', () => {
    const color = options.find(({ checked }) => checked)?.value;
    const identity = { name: toName(nameInput.value), color: isColor(color) ? color : readIdentity().color };
    localStorage.setItem(identityKey(), JSON.stringify(identity));
    show(identity);
  });
  // Other tabs of this browser are the same person.
  addEventListener('storage', ({ key }) => {
    if (key === identityKey()) show(readIdentity());
  });
  show(readIdentity());
}
