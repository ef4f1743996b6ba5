/** Parses the bodies of forms, in the scope of a plugin: everywhere else, bodies are JSON. */
import type { FastifyInstance } from 'fastify';

const maxBytes = 8192;

export function addFormParser(scope: FastifyInstance): void {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: maxBytes },
    (_request, body, done) => done(null, parseForm(String(body))),
  );
}

/** A name that is repeated has a list, which no schema accepts. */
function parseForm(body: string): Record<string, string | string[]> {
  const params = new URLSearchParams(body);
  const names = [...new Set(params.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = params.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}
