/** A one-line notification over the field that disappears after 7 s. */
import { byId, setText } from '../dom.ts';

const visibleMs = 7000;

export function createToast(): (text: string) => void {
  const element = byId('notice', HTMLElement);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (text) => {
    clearTimeout(timer);
    setText(element, text);
    timer = setTimeout(() => setText(element, ''), visibleMs);
  };
}
