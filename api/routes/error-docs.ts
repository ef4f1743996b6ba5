/** `GET /docs/errors`: the error table as a page. The `type` of every problem points to it. */
import { errorDocsPath } from '../../shared/contract/problem.ts';
import { type ErrorEntry, errorTable } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';

export function addErrorDocsRoute(app: App): void {
  const page = renderPage();
  app.get(errorDocsPath, { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(page),
  );
}

function renderPage(): string {
  const sections = Object.entries<ErrorEntry>(errorTable).map(renderSection);
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    '<title>Errors</title>',
    '<style>body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}:target{background:#fe9}</style>',
    '<h1>Errors</h1><p>Every error is a problem (RFC 9457) with one of these codes. <a href="./">API reference</a></p>',
    ...sections,
    '</html>',
  ].join('\n');
}

function renderSection([code, { status, retry, title, cause, remedy }]: [string, ErrorEntry]): string {
  return [
    `<section id="${code}"><h2><code>${code}</code></h2>`,
    `<p>${status}, ${retry ? 'retry' : 'do not retry'}. <strong>${toHtml(title)}.</strong></p>`,
    `<p>Cause: ${toHtml(cause)}</p><p>Remedy: ${toHtml(remedy)}</p></section>`,
  ].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes text and renders its only markup, code between backticks. */
function toHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => entities[char] ?? char).replace(/`([^`]+)`/g, '<code>$1</code>');
}
