/** The frame of operators' pages: head, navigation, tables. */
import { Html, html } from './html.ts';
import { styles } from './styles.ts';

export interface PageFrame {
  /** Where the pages are, below any prefix of a proxy, such as `/admin`. */
  readonly basePath: string;
  /** Whether the viewer may change anything. */
  readonly canWrite: boolean;
}

const pages = [
  ['/', 'Overview'],
  ['/search', 'Updates'],
  ['/dead-letters', 'Dead letters'],
  ['/audit', 'Audit'],
  ['/queues/', 'Jobs'],
] as const;

/** Only used without scripts. */
const reloadSeconds = 5;

interface PageOptions extends Pick<PageFrame, 'basePath'> {
  readonly path: (typeof pages)[number][0];
  readonly title: string;
  /** Whether the page refreshes itself. */
  readonly isLive?: boolean;
  /** At the end of the navigation. */
  readonly tools?: Html;
  readonly content: Html;
}

export function renderPage({ basePath, path, title, isLive = false, tools, content }: PageOptions): string {
  const live = isLive
    ? html`<script src="${basePath}/live.js" defer></script><noscript><meta http-equiv="refresh" content="${reloadSeconds}"></noscript>`
    : '';
  const link = ([to, name]: (typeof pages)[number]) =>
    to === path
      ? html`<a href="${basePath}${to}" aria-current="page">${name}</a>`
      : html`<a href="${basePath}${to}">${name}</a>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(styles)}</style>
${live}
</head>
<body>
<header>
<h1>Field operations</h1>
<nav aria-label="Pages">${pages.map(link)}</nav>
<div class="tools" data-live="tools">${tools ?? ''}</div>
<form role="search" class="find" action="${basePath}/search"><input name="device" aria-label="Find the updates of a device" placeholder="Find a device" maxlength="64" autocomplete="off" autocapitalize="off" spellcheck="false"></form>
</header>
<main data-live="main">
${content}
</main>
</body>
</html>`.text;
}

export type Cell = string | number | Html;

interface TableOptions {
  /** For screen readers, which list the regions that can be scrolled. */
  readonly label: string;
  readonly columns: readonly string[];
  /** The indexes of the columns with numbers, which are aligned to the right. */
  readonly numbers?: readonly number[];
  readonly rows: readonly (readonly Cell[])[];
}

export function renderTable({ label, columns, numbers = [], rows }: TableOptions): Html {
  const kind = (index: number) => (numbers.includes(index) ? new Html(' class="number"') : '');
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table><thead><tr>${columns.map((column, index) => html`<th scope="col"${kind(index)}>${column}</th>`)}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map((cell, index) => html`<td${kind(index)}>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** Text that can be long, cut by the page and complete when it is pointed at or selected. */
export function renderLong(text: string): Html {
  return html`<span class="long" title="${text}">${text}</span>`;
}
