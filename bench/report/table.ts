/** Renders tables as Markdown, aligned so that they are also readable in a terminal. */
import type { Table, Target } from '../bench.ts';

export function renderTable({ title, columns, rows, note }: Table): string {
  const lines = [columns, ...rows].map((row) => row.map(String));
  const widths = columns.map((_, column) => Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)));
  const render = (line: readonly string[]) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head = [], ...body] = lines;
  return [`**${title}**`, '', render(head), rule, ...body.map(render), ...(note ? ['', note] : [])].join('\n');
}

export function targetsTable(targets: readonly Target[]): Table {
  return {
    title: 'Targets',
    columns: ['what', 'value', 'limit', 'ratio', 'target', 'met'],
    rows: targets.map(({ what, value, limit, ratio, target, met }) => [
      what,
      value.toLocaleString('en-US'),
      limit?.toLocaleString('en-US') ?? '–',
      ratio ?? '–',
      target,
      met ? 'yes' : '**no**',
    ]),
  };
}
