/** Rows as aligned text. */
import { escapeLine } from '../text/escape-control-chars.ts';

const columnGap = '  ';

/** Columns as wide as their widest text; the last one is not padded. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const clean = rows.map((row) => row.map(escapeLine));
  const widths = clean.reduce<number[]>(
    (widest, row) => row.map((text, column) => Math.max(widest[column] ?? 0, text.length)),
    [],
  );
  return clean
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join(columnGap)
        .trimEnd(),
    )
    .join('\n');
}

export function truncate(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
