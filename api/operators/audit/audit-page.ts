/** The page of operators' actions. The API may not read their addresses and details; the command `audit` shows these. */
import { z } from 'zod';
import type { OperatorActionFilter, ShownOperatorActionRow } from '../../../db/operators/operator-action.ts';
import { renderFilterForm, textInput, timeInputs } from '../pages/form.ts';
import { formatTime, pluralize } from '../pages/format.ts';
import { html } from '../pages/html.ts';
import { type PageFrame, renderLong, renderPage, renderTable } from '../pages/layout.ts';
import {
  formatShape,
  integer,
  optional,
  type ParsedQuery,
  searchedText,
  timeShape,
  toQuery,
  toTimeRange,
} from '../pages/query.ts';

const shownActions = 100;
const maxActions = 1000;

export const auditFilterSchema = z.strictObject({
  operator: optional(searchedText),
  action: optional(searchedText),
  target: optional(searchedText),
  ...timeShape,
  limit: optional(integer(1, maxActions)),
  ...formatShape,
});
type AuditFilter = z.output<typeof auditFilterSchema>;

export type ListActions = (filter: OperatorActionFilter) => Promise<ShownOperatorActionRow[]>;

interface FoundActions {
  readonly actions: readonly Pick<ShownOperatorActionRow, 'at' | 'operator' | 'action' | 'target'>[];
  /** Whether there may be older ones. */
  readonly isCut: boolean;
}

/** The newest first. */
export async function findActions(listActions: ListActions, filter: AuditFilter): Promise<FoundActions> {
  const { operator, action, target, limit = shownActions } = filter;
  const { since, until } = toTimeRange(filter);
  const rows = await listActions({
    ...{ operator, action, target, limit },
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  });
  const actions = rows.map((row) => ({ at: row.at, operator: row.operator, action: row.action, target: row.target }));
  return { actions, isCut: rows.length === limit };
}

interface AuditPage extends PageFrame {
  readonly query: ParsedQuery<AuditFilter>;
  readonly found: FoundActions | undefined;
}

export function renderAuditPage({ basePath, query: { values, errors }, found }: AuditPage): string {
  const action = `${basePath}/audit`;
  const form = renderFilterForm({
    action,
    errors,
    inputs: [
      textInput('operator', 'Operator', values, 'ada'),
      textInput('action', 'Action, or its first word', values, 'dead-letters'),
      textInput('target', 'Target', values),
      ...timeInputs(values),
    ],
  });
  const list =
    found && found.actions.length > 0
      ? renderTable({
          label: 'What operators have done',
          columns: ['time (UTC)', 'operator', 'action', 'target'],
          rows: found.actions.map((each) => [
            html`<span class="nowrap">${formatTime(each.at.getTime())}</span>`,
            each.operator,
            each.action,
            renderLong(each.target ?? '–'),
          ]),
        })
      : html`<p class="none" role="status">Nothing is recorded.</p>`;
  const content = html`${form}
${
  found
    ? html`<section class="card"><div class="bar"><h2>${pluralize(found.actions.length, 'action')}${found.isCut ? ', and there may be more' : ''}</h2>
<div class="buttons"><a class="button" href="${action}${toQuery({ ...values, format: 'json' })}">JSON</a></div></div>
${list}<p class="note">Addresses and details are not shown here: <code>npx consciousness-field audit</code> has them.</p></section>`
    : ''
}`;
  return renderPage({ basePath, path: '/audit', title: 'Audit – Field operations', content });
}
