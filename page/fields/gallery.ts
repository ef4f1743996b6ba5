/** The dialog with the fields that this page may read, where the user opens, creates and pins fields. */
import type { FieldClient } from '../../client/types.ts';
import { fieldIdRule, isFieldId } from '../../shared/field/ids.ts';
import { createElement, setText } from '../dom.ts';
import { fieldAddress } from '../sharing/address.ts';
import { createDialog } from '../sharing/dialog.ts';
import { createFieldCard, type FieldCard } from './field-card.ts';
import { type FieldSummary, listFields } from './list-fields.ts';
import { Pictures } from './pictures.ts';
import { readPins, togglePin } from './pins.ts';

const refreshMs = 10_000;
/** Users with more fields than these pages hold can open the others by name. */
const maxPages = 10;

/** Opens the dialog. @param current the field that the page shows */
export function openGallery(client: FieldClient, current: string): void {
  const { dialog, content } = createDialog('fields', 'Fields');
  const search = createSearch();
  const list = createElement('ol', { className: 'cards' });
  const status = createElement('p', { className: 'hint', text: 'Loading…' });
  const more = createElement('button', { className: 'quiet', text: 'Show more' });
  status.setAttribute('role', 'status');
  more.type = 'button';
  more.hidden = true;
  content.append(search.form, status, list, more);

  const pictures = new Pictures(client);
  const cards = new Map<string, FieldCard>();
  let summaries: ReadonlyMap<string, FieldSummary> = new Map();
  let pageCount = 1;
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const card = [...cards.values()].find(({ element }) => element === target);
        if (card) pictures.show(card, isIntersecting);
      }
    },
    { root: dialog },
  );

  const findCard = (field: string): FieldCard => {
    const known = cards.get(field);
    if (known) return known;
    const card = createFieldCard(field, field === current, () => {
      togglePin(field);
      arrange();
    });
    cards.set(field, card);
    observer.observe(card.element);
    return card;
  };
  /** Pinned fields come first. A moved element would lose the focus, so those in place are not touched. */
  const arrange = () => {
    const pins = readPins();
    const fields = [...new Set([...pins, ...summaries.keys()])];
    for (const [index, field] of fields.entries()) {
      const card = findCard(field);
      const summary = summaries.get(field);
      card.show(summary, pins.includes(field));
      card.element.hidden = !field.includes(search.text());
      if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null);
      pictures.set(card, summary?.cursor);
    }
    for (const element of [...list.children].slice(fields.length)) element.remove();
    search.show(fields);
  };
  const refresh = async () => {
    try {
      const { fields, hasMore } = await listFields(client, pageCount);
      if (!dialog.isConnected) return;
      summaries = new Map(fields.map((summary) => [summary.field, summary]));
      more.hidden = !hasMore || pageCount >= maxPages;
      setText(status, fields.length === 0 ? 'No field has anything in it yet. Make one.' : '');
    } catch (error) {
      setText(status, error instanceof Error ? error.message : String(error));
    }
    arrange();
  };

  const timer = setInterval(() => {
    if (!document.hidden) void refresh();
  }, refreshMs);
  search.input.addEventListener('input', arrange);
  more.addEventListener('click', () => {
    pageCount += 1;
    void refresh();
  });
  dialog.addEventListener('close', () => {
    clearInterval(timer);
    observer.disconnect();
    pictures.close();
  });
  void refresh();
  dialog.showModal();
}

/** One input both finds and creates fields: a field begins to exist with its first change. */
function createSearch() {
  const input = createElement('input', {});
  const button = createElement('button', { className: 'solid', text: 'Open' });
  const form = createElement('form', { className: 'search' }, input, button);
  Object.assign(input, { type: 'search', name: 'field', placeholder: 'Find or make a field', autocomplete: 'off' });
  input.setAttribute('aria-label', 'Find or make a field');
  input.setAttribute('autocapitalize', 'none');
  input.spellcheck = false;
  const text = () => input.value.trim().toLowerCase().replaceAll(/\s+/g, '-');
  input.addEventListener('input', () => input.setCustomValidity(''));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const field = text();
    if (isFieldId(field)) location.assign(fieldAddress(field));
    else {
      input.setCustomValidity(`A name ${fieldIdRule}.`);
      input.reportValidity();
    }
  });
  return {
    form,
    input,
    text,
    show: (fields: readonly string[]) => setText(button, text() === '' || fields.includes(text()) ? 'Open' : 'Make'),
  };
}
