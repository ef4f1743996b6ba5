/** Renders `docs/errors.md` from the error table. */
import { type ErrorEntry, errorTable } from '../../shared/errors.ts';

const introduction = `# Errors

Every error response is a problem (RFC 9457, \`application/problem+json\`):
\`{type,title,status,code,detail?,retryAfter?,errors?}\`. \`code\` is one of the codes below and never changes its meaning;
\`type\` is \`/docs/errors#<code>\`, a page of the API with the same content as this one; \`detail\` says what was wrong with this
request. A response to invalid input lists the invalid values in \`errors\`. Where "retry" is yes, the same request can succeed
later: wait as long as the header \`Retry-After\` says (stream messages have it in \`retryAfter\`).
`;

export function renderErrorsPage(): string {
  const entries = Object.entries<ErrorEntry>(errorTable);
  const rows = entries.map(
    ([code, { status, retry, title }]) =>
      `| ${status} | [\`${code}\`](#${code}) | ${retry ? 'yes' : 'no'} | ${title} |`,
  );
  const sections = entries.map(
    ([code, { status, title, cause, remedy }]) =>
      `## \`${code}\`\n\n${status}: ${title}.\n\n**Cause:** ${cause}\n\n**Remedy:** ${remedy}\n`,
  );
  return [
    introduction,
    '| status | code | retry | title |\n|---|---|---|---|',
    `${rows.join('\n')}\n`,
    ...sections,
  ].join('\n');
}
