/** The pages on which operators find dead letters, and confirm actions on them. */
import { type DeadLetterAction, fallbackIdPrefix } from '../../../shared/queue/dead-letters.ts';
import { hiddenInputs, renderFilterForm, textInput, timeInputs } from '../pages/form.ts';
import { formatAge, formatTime, pluralize } from '../pages/format.ts';
import { type Html, html } from '../pages/html.ts';
import { type Cell, type PageFrame, renderLong, renderPage, renderTable } from '../pages/layout.ts';
import { type ParsedQuery, toQuery } from '../pages/query.ts';
import type { DeadLettersQuery } from './dead-letter-filter.ts';
import type { DeadLetterSummary, FoundDeadLetters } from './find-dead-letters.ts';

const title = 'Dead letters – Field operations';
const maxShown = 100;
const maxConfirmed = 20;

const filterNames = ['id', 'field', 'device', 'user', 'request', 'reason', 'within', 'from', 'to'] as const;

interface DeadLettersPage extends PageFrame {
  readonly query: ParsedQuery<DeadLettersQuery>;
  /** Undefined if the query is wrong. */
  readonly found: FoundDeadLetters | undefined;
}

export function renderDeadLettersPage({ basePath, canWrite, query, found }: DeadLettersPage): string {
  const { values, errors, filter } = query;
  const action = `${basePath}/dead-letters`;
  const done = filter?.done;
  const notice = done
    ? html`<p class="verdict well" role="status"><strong>${pluralize(filter.count ?? 0, 'dead letter')} ${done === 'retry' ? 'returned to the queue' : 'discarded'}.</strong></p>`
    : '';
  const form = renderFilterForm({
    action,
    errors,
    inputs: [
      textInput('field', 'Field', values, 'garden'),
      textInput('device', 'Device', values, 'phone-1'),
      textInput('user', 'User', values),
      textInput('request', 'Request id', values),
      textInput('reason', 'Reason contains', values, 'token_revoked'),
      textInput('id', 'Id', values),
      ...timeInputs(values),
    ],
  });
  const content = html`${notice}${form}
${found ? html`<section class="card">${renderFound(found, { basePath, canWrite, values: pickFilter(values) })}</section>` : ''}`;
  return renderPage({ basePath, path: '/dead-letters', title, content });
}

interface FoundContext extends PageFrame {
  readonly values: Readonly<Record<string, string>>;
}

function renderFound(found: FoundDeadLetters, { basePath, canWrite, values }: FoundContext): Html {
  const { total, letters } = found;
  if (total === 0)
    return html`<p class="none" role="status">${found.isComplete ? 'No dead letter matches.' : 'None found.'}</p>${renderLimits(found)}`;
  const path = `${basePath}/dead-letters`;
  const button = (action: DeadLetterAction, label: string) =>
    html`<a class="button" href="${path}/${action}${toQuery(values)}">${label}…</a>`;
  const these = total === 1 ? 'it' : `these ${total}`;
  const shown = letters.slice(0, maxShown);
  return html`<div class="bar"><div role="status"><h2>${pluralize(total, 'dead letter')}${found.isComplete ? '' : ' or more'}</h2></div>
<div class="buttons">${canWrite ? [button('retry', `Retry ${these}`), button('discard', `Discard ${these}`)] : ''}<a class="button" href="${path}${toQuery({ ...values, format: 'json' })}">JSON</a></div></div>
${renderLimits(found)}
${renderTable({
  label: 'Dead letters that were found',
  columns: ['failed', 'job', 'field', 'device', 'user', 'updates', 'reason', ...(canWrite ? ['action'] : [])],
  numbers: [5],
  rows: shown.map((letter) => [
    ...renderLetter(letter, basePath),
    ...(canWrite
      ? [
          html`<span class="nowrap"><a href="${path}/retry${toQuery({ id: letter.id })}" aria-label="Retry job ${letter.id}">Retry</a> · <a href="${path}/discard${toQuery({ id: letter.id })}" aria-label="Discard job ${letter.id}">Discard</a></span>`,
        ]
      : []),
  ]),
})}
${total > shown.length ? html`<p class="note">The ${shown.length} newest of ${total}.</p>` : ''}`;
}

function renderLimits({ isComplete, unreachable }: FoundDeadLetters): Html | '' {
  if (unreachable.length > 0) return html`<p class="errors">No answer from: ${unreachable.join(', ')}.</p>`;
  return isComplete ? '' : html`<p class="note">Only the newest were searched. Name a time to find older ones.</p>`;
}

/** Renders a dead letter without actions. The overview uses it as well. */
export function renderLetter(letter: DeadLetterSummary, basePath: string): Cell[] {
  const { id, queue, job, field, device, user, request, counters, updates, reason, failedAt } = letter;
  const board = `${basePath}/queues/queue/${encodeURIComponent(id.startsWith(fallbackIdPrefix) ? `postgresql-${queue}` : queue)}`;
  const link = (name: 'field' | 'device', text: string) =>
    text === '' ? '–' : html`<a href="${basePath}/dead-letters${toQuery({ [name]: text })}">${text}</a>`;
  return [
    html`<time class="nowrap" title="${formatTime(failedAt)} UTC">${formatAge(Date.now() - failedAt)}</time>`,
    html`<a href="${board}/${encodeURIComponent(job)}">${id}</a>`,
    link('field', field),
    link('device', device),
    user === '' ? '–' : user,
    html`<span title="counters ${counters.join(' to ')}${request ? `, request ${request}` : ''}">${updates}</span>`,
    renderLong(reason),
  ];
}

interface ConfirmationPage extends PageFrame {
  readonly action: DeadLetterAction;
  readonly query: ParsedQuery<DeadLettersQuery>;
  readonly found: FoundDeadLetters;
  /** How many are changed at once. */
  readonly maxPerAction: number;
  /** In ms since the epoch. */
  readonly at: number;
}

export function renderConfirmation(page: ConfirmationPage): string {
  const { basePath, action, query, found, maxPerAction, at } = page;
  const values = pickFilter(query.values);
  const back = `${basePath}/dead-letters${toQuery(values)}`;
  const count = Math.min(found.total, maxPerAction);
  const what = pluralize(count, 'dead letter');
  const conditions = Object.entries(values).map(([name, value]) => html`<li>${name}: <b>${value}</b></li>`);
  const [verb, button, consequence] =
    action === 'retry'
      ? ['Return', 'primary', 'Workers try to apply their updates again. What fails again comes back here.']
      : ['Discard', 'danger', 'Their updates were accepted, and will never be applied. This cannot be undone.'];
  const content = html`<section class="card"><h2>${verb} ${what}${action === 'retry' ? ' to the queue' : ''}?</h2>
<p>${consequence} It is recorded as done by you.</p>
${conditions.length > 0 ? html`<ul>${conditions}</ul>` : html`<p>There is no filter: these are all.</p>`}
${found.total > count ? html`<p class="note">The ${count} newest of ${found.total}; repeat it for the others.</p>` : ''}
${
  count === 0
    ? html`<p class="none" role="status">No dead letter matches.</p><div class="buttons"><a class="button" href="${back}">Back</a></div>`
    : html`<form method="post" action="${basePath}/dead-letters/${action}">
${hiddenInputs({ ...values, expected: count, before: at })}
<div class="buttons"><button class="${button}">${action === 'retry' ? 'Retry' : 'Discard'} ${what}</button> <a class="button" href="${back}">Cancel</a></div>
</form>`
}</section>
<section class="card"><h2>What it concerns</h2>
${renderTable({
  label: 'Dead letters that would be changed',
  columns: ['failed', 'job', 'field', 'device', 'user', 'updates', 'reason'],
  numbers: [5],
  rows: found.letters.slice(0, maxConfirmed).map((letter) => renderLetter(letter, basePath)),
})}
${count > maxConfirmed ? html`<p class="note">The ${maxConfirmed} newest of them.</p>` : ''}</section>`;
  return renderPage({ basePath, path: '/dead-letters', title, content });
}

/** The part of the query that filters dead letters. */
function pickFilter(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(filterNames.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])));
}
