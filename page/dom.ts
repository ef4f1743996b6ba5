/** Elements of the page: found by id or made anew, and given text, never markup. */

/** @throws if index.html has no such element: then the two files have come apart. */
export function byId<Kind extends Element>(id: string, kind: abstract new () => Kind): Kind {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} with the id ${id}`);
  return element;
}

export function createElement<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { className = '', text = '' }: { readonly className?: string; readonly text?: string } = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...(text ? [text] : []), ...children);
  return element;
}

/** Touches the document only when there is something to change. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
