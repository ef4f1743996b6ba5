/** The page on which operators find updates in the logs. */
import type { FoundUpdate } from '../../../db/read/log/search-log.ts';
import { foldOutcomes } from '../../../shared/field/fold.ts';
import { choiceInput, renderFilterForm, textInput, timeInputs } from '../pages/form.ts';
import { formatTime, pluralize } from '../pages/format.ts';
import { type Html, html } from '../pages/html.ts';
import { type Cell, type PageFrame, renderPage, renderTable } from '../pages/layout.ts';
import { type ParsedQuery, toQuery } from '../pages/query.ts';
import { type FoundUpdates, type UpdatesFilter, updateKinds } from './search-updates.ts';

const maxShownLength = 90;
/** The content of an update can have 64 kB. The JSON of the search has all of it. */
const maxContentLength = 4000;

interface UpdatesPage extends PageFrame {
  readonly query: ParsedQuery<UpdatesFilter>;
  /** Undefined before anything is searched for. */
  readonly found: FoundUpdates | undefined;
}

export function renderUpdatesPage({ basePath, query: { values, errors }, found }: UpdatesPage): string {
  const action = `${basePath}/search`;
  const any = ['', 'any'] as const;
  const same = (value: string) => [value, value] as const;
  const form = renderFilterForm({
    action,
    errors,
    inputs: [
      textInput('field', 'Field', values, 'garden'),
      textInput('device', 'Device', values, 'phone-1'),
      textInput('counter', 'Counter', values),
      textInput('user', 'User', values),
      choiceInput('outcome', 'Outcome', values, [any, ...foldOutcomes.map(same)]),
      choiceInput('kind', 'Kind', values, [any, ...updateKinds.map(same)]),
      ...timeInputs(values),
    ],
  });
  const note = html`<p class="none">Finds what a device or a user has written, and what became of it. With a field or a device it is fast; without, the logs of all fields are read.</p>`;
  const content = html`${form}
<section class="card">${found ? renderFound(found, action, values) : note}</section>`;
  return renderPage({ basePath, path: '/search', title: 'Updates – Field operations', content });
}

function renderFound({ entries, next }: FoundUpdates, action: string, values: Readonly<Record<string, string>>): Html {
  if (entries.length === 0) return html`<p class="none" role="status">No update matches.</p>`;
  return html`<div class="bar"><div role="status"><h2>${pluralize(entries.length, 'update')}${next ? ', and there may be more' : ''}</h2></div>
<div class="buttons">${next ? html`<a class="button" href="${action}${toQuery({ ...values, after: next })}">Older</a>` : ''}<a class="button" href="${action}${toQuery({ ...values, format: 'json' })}">JSON</a></div></div>
${renderTable({
  label: 'Updates that were found',
  columns: ['time (UTC)', 'field', 'version', 'device', 'counter', 'user', 'outcome', 'update'],
  numbers: [2, 4],
  rows: entries.map((entry) => renderEntry(entry, action)),
})}`;
}

function renderEntry(entry: FoundUpdate, action: string): Cell[] {
  const { field, version, time, device, counter, user, outcome, resolution, update } = entry;
  const link = (name: 'field' | 'device' | 'user', text: string | null) =>
    text === null ? '–' : html`<a href="${action}${toQuery({ [name]: text })}">${text}</a>`;
  const json = JSON.stringify(update);
  const cut = (text: string, length: number) =>
    text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
  return [
    html`<span class="nowrap">${formatTime(time)}</span>`,
    link('field', field),
    version,
    link('device', device),
    counter ?? '–',
    link('user', user),
    html`<span class="badge ${outcome}">${outcome}</span>${resolution ? html` ${resolution}` : ''}`,
    html`<details><summary><code>${cut(json, maxShownLength)}</code></summary><pre>${cut(JSON.stringify(update, null, 2), maxContentLength)}</pre></details>`,
  ];
}
