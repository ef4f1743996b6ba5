/** Finds and creates elements. Content is always set as text, never as markup. */

/** @throws if index.html has no element of that id and kind */
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

/** Writes to the document only if the text changes, since live regions announce every write. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
