/** Answers requests without a route: 405 with `Allow` for a path that has other methods, otherwise 404. */
import { FieldError } from '../../shared/errors.ts';
import type { App } from '../fastify-types.ts';
import { stripQuery } from '../http/strip-query.ts';

/** Must be called before the routes are added, because it collects them as they are added. */
export function addMethodNotAllowed(app: App): void {
  const known = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const route = known.get(url) ?? { pattern: toPattern(url), methods: new Set<string>() };
    for (const name of [method].flat()) route.methods.add(name.toUpperCase());
    known.set(url, route);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = stripQuery(request.url);
    const methods = [...known.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap((route) => [...route.methods]);
    if (methods.length === 0 || methods.includes(request.method)) throw new FieldError('not_found');
    reply.header('allow', [...new Set(methods)].sort().join(', '));
    throw new FieldError('method_not_allowed');
  });
}

function toPattern(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+');
  return new RegExp(`^${escaped}$`);
}
