/** The color theme: the system's preference until the user selects one, which is kept in localStorage. */

import { readValue, saveValue } from '../browser-values.ts';
import { byId, setText } from '../dom.ts';

const storageKey = 'field.theme';
type Theme = 'dark' | 'light';

export function startTheme(onChange: () => void): void {
  const button = byId('theme', HTMLButtonElement);
  const system = matchMedia('(prefers-color-scheme: light)');
  const current = (): Theme => readChoice() ?? (system.matches ? 'light' : 'dark');
  const show = () => {
    const theme = current();
    document.documentElement.dataset.theme = theme;
    setText(button, theme === 'light' ? 'Dark' : 'Light');
    onChange();
  };
  button.addEventListener('click', () => {
    saveValue(storageKey, current() === 'light' ? 'dark' : 'light');
    show();
  });
  system.addEventListener('change', show);
  show();
}

function readChoice(): Theme | undefined {
  const choice = readValue(storageKey);
  return choice === 'dark' || choice === 'light' ? choice : undefined;
}
