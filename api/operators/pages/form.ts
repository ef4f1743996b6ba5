/** Forms of operators' pages: they work without scripts, and show the submitted values again. */
import { type Html, html } from './html.ts';
import { windowChoices } from './query.ts';

type Values = Readonly<Record<string, string>>;
type Choices = readonly (readonly [value: string, label: string])[];

interface FilterFormOptions {
  readonly action: string;
  readonly errors: readonly string[];
  readonly inputs: readonly Html[];
}

export function renderFilterForm({ action, errors, inputs }: FilterFormOptions): Html {
  return html`<form class="card filters" method="get" action="${action}">
${errors.length > 0 ? html`<ul class="errors" role="alert">${errors.map((error) => html`<li>${error}</li>`)}</ul>` : ''}
<div class="inputs">${inputs}</div>
<div class="buttons"><button class="primary">Search</button> <a class="button" href="${action}">Clear</a></div>
</form>`;
}

export function textInput(name: string, label: string, values: Values, placeholder = ''): Html {
  return html`<label><span>${label}</span><input name="${name}" value="${values[name] ?? ''}" placeholder="${placeholder}" maxlength="200" autocomplete="off" autocapitalize="off" spellcheck="false"></label>`;
}

export function choiceInput(name: string, label: string, values: Values, choices: Choices): Html {
  const option = ([value, text]: Choices[number]) =>
    values[name] === value
      ? html`<option value="${value}" selected>${text}</option>`
      : html`<option value="${value}">${text}</option>`;
  return html`<label><span>${label}</span><select name="${name}">${choices.map(option)}</select></label>`;
}

export function timeInputs(values: Values): Html[] {
  const time = (name: string, label: string) =>
    html`<label class="wide"><span>${label}</span><input type="datetime-local" name="${name}" value="${values[name] ?? ''}"></label>`;
  return [
    choiceInput('within', 'Time', values, [['', 'any time'], ...windowChoices]),
    time('from', 'From (UTC)'),
    time('to', 'Until (UTC)'),
  ];
}

export function hiddenInputs(values: Readonly<Record<string, string | number>>): Html[] {
  return Object.entries(values).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}
