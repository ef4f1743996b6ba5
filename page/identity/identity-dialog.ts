/** The dialog to choose the name and the colour that others see. Loaded when it is opened. */
import { byId, createElement } from '../dom.ts';
import { colors, isColor } from './colors.ts';
import { type Identity, maxNameLength, toName } from './name.ts';

/** @returns a function that opens the dialog with the current choice */
export function createIdentityDialog(onSave: (identity: Identity) => void): (identity: Identity) => void {
  const dialog = byId('identity', HTMLDialogElement);
  const nameInput = byId('my-name', HTMLInputElement);
  nameInput.maxLength = maxNameLength;
  let current: Identity['color'] = 'teal';
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
  byId('identity-cancel', HTMLButtonElement).addEventListener('click', () => dialog.close());
  byId('identity-form', HTMLFormElement).addEventListener('submit', () => {
    const color = options.find(({ checked }) => checked)?.value;
    onSave({ name: toName(nameInput.value), color: isColor(color) ? color : current });
  });
  return ({ name, color }) => {
    current = color;
    nameInput.value = name;
    for (const option of options) option.checked = option.value === color;
    dialog.showModal();
  };
}
