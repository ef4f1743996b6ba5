/** One line over the field that disappears by itself: an error, or the effect of an action. */
import { byId, setText } from '../dom.ts';

const visibleMs = 7000;

/** @param id an element of `index.html`: `notice` is announced as an alert, and `effect` is not announced */
export function createToast(id: 'notice' | 'effect'): (text: string) => void {
  const element = byId(id, HTMLElement);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (text) => {
    clearTimeout(timer);
    setText(element, text);
    timer = setTimeout(() => setText(element, ''), visibleMs);
  };
}
