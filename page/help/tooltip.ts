/**
 * The page's tooltip: shows an explanation on hover, keyboard focus and long press. It can be dismissed with Escape, hovered, and
 * stays until the pointer or the focus leaves. Screen readers read the explanation as the description of its target.
 */
import { byId, createElement, setText } from '../dom.ts';
import { aboutId } from './explanations.ts';

const hoverDelayMs = 350;
const longPressMs = 500;
/** Long enough for the pointer to reach the tooltip. */
const hideDelayMs = 200;
const pressSlop = 10;
const gap = 8;

let showing: HTMLElement | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function schedule(delayMs: number, action: () => void): void {
  clearTimeout(timer);
  timer = setTimeout(action, delayMs);
}

/**
 * Explains an element by the text that `index.html` has for the name. A term, which does nothing else, also shows it when pressed.
 * @returns a function that switches to the text of another name
 */
export function explain(target: HTMLElement, name: string, { isTerm = false } = {}): (name: string) => void {
  const described = target.querySelector('input') ?? target;
  const setName = (next: string) => described.setAttribute('aria-describedby', aboutId(next));
  setName(name);
  const open = () => show(target, document.getElementById(described.getAttribute('aria-describedby') ?? ''));
  target.addEventListener('pointerenter', ({ pointerType }) => {
    if (pointerType === 'mouse') schedule(hoverDelayMs, open);
  });
  target.addEventListener('pointerleave', ({ pointerType }) => {
    if (pointerType === 'mouse') schedule(hideDelayMs, hideTooltip);
  });
  target.addEventListener('focusin', () => {
    if (target.matches(':focus-visible, :has(:focus-visible)')) open();
  });
  target.addEventListener('focusout', hideTooltip);
  if (isTerm) target.addEventListener('click', open);
  else openOnLongPress(target, open);
  return setName;
}

/** A long press only explains: it does not press the button as well. */
function openOnLongPress(target: HTMLElement, open: () => void): void {
  let start: PointerEvent | undefined;
  let wasLong = false;
  target.addEventListener('pointerdown', (event) => {
    wasLong = false;
    if (event.pointerType === 'mouse') return;
    start = event;
    schedule(longPressMs, () => {
      wasLong = true;
      open();
    });
  });
  const cancel = () => {
    if (!wasLong && start) clearTimeout(timer);
    start = undefined;
  };
  target.addEventListener('pointermove', ({ clientX, clientY }) => {
    if (start && Math.hypot(clientX - start.clientX, clientY - start.clientY) > pressSlop) cancel();
  });
  target.addEventListener('pointerup', cancel);
  target.addEventListener('pointercancel', cancel);
  const swallow = (event: Event) => {
    if (!wasLong) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.type === 'click') wasLong = false;
  };
  target.addEventListener('click', swallow, { capture: true });
  target.addEventListener('contextmenu', swallow);
}

/** Creates a word that is a button which explains it. */
export function createTerm(word: string, name: string): HTMLButtonElement {
  const button = createElement('button', { className: 'term', text: word });
  button.type = 'button';
  explain(button, name, { isTerm: true });
  return button;
}

/** Explains all elements of `index.html` that have the attribute `data-help`. */
export function startTooltips(): void {
  const tooltip = byId('tooltip', HTMLElement);
  for (const target of document.querySelectorAll<HTMLElement>('[data-help]'))
    explain(target, target.dataset.help ?? '', { isTerm: target.classList.contains('term') });
  tooltip.addEventListener('pointerenter', () => clearTimeout(timer));
  tooltip.addEventListener('pointerleave', hideTooltip);
  const hideOnEscape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !showing) return;
    hideTooltip();
    event.stopPropagation();
    event.preventDefault();
  };
  addEventListener('keydown', hideOnEscape, { capture: true });
  addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Node && !tooltip.contains(target) && !showing?.contains(target)) hideTooltip();
  });
  for (const name of ['scroll', 'resize']) addEventListener(name, hideTooltip, { capture: true, passive: true });
}

function hideTooltip(): void {
  clearTimeout(timer);
  showing = undefined;
  byId('tooltip', HTMLElement).hidePopover();
}

function show(target: HTMLElement, text: Element | null): void {
  clearTimeout(timer);
  const tooltip = byId('tooltip', HTMLElement);
  showing = target;
  setText(tooltip, text?.textContent ?? '');
  // Shown again, so that it is above a dialog in the top layer.
  tooltip.hidePopover();
  tooltip.showPopover();
  const { left, right, top, bottom } = target.getBoundingClientRect();
  const { width, height } = tooltip.getBoundingClientRect();
  // Beside the readings, so that the tooltip does not cover what it explains.
  const column = target.closest('.readings')?.getBoundingClientRect().right ?? innerWidth;
  const isBeside = column + gap + width <= innerWidth;
  const isAbove = top - height - gap >= 0;
  const x = isBeside ? column + gap : Math.max(gap, Math.min((left + right - width) / 2, innerWidth - width - gap));
  const near = isAbove ? top - height - gap : bottom + gap;
  const y = Math.min(isBeside ? top : near, innerHeight - height - gap);
  tooltip.style.translate = `${Math.round(x)}px ${Math.round(Math.max(gap, y))}px`;
}
