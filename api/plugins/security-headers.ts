/**
 * What browsers are told about every answer. Written down once, and not worked out for each request: that cost a tenth of
 * an ordinary one. Data is told less than documents, since each header costs phones bytes and the API time.
 */
import type { App } from '../fastify-types.ts';

type Directives = Readonly<Record<string, readonly string[]>>;

/** The pages of this server: their own files, and the fonts that Bull Board asks for. */
const directives: Directives = {
  'default-src': ["'self'"],
  'script-src': ["'self'"],
  // Bull Board and the docs page set styles from scripts.
  'style-src': ["'self'", "'unsafe-inline'", 'https://fonts.googleapis.com'],
  'font-src': ["'self'", 'data:', 'https://fonts.gstatic.com'],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'object-src': ["'none'"],
  'base-uri': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};

/** The live page draws with nothing but its own files; no style or script is ever taken from its markup. */
const pageDirectives: Directives = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'require-trusted-types-for': ["'script'"],
};

/** Data is nothing to render, to frame, or to take a type from that it does not name. */
const dataHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

const documentHeaders = {
  ...dataHeaders,
  'content-security-policy': toPolicy(directives),
  'cross-origin-opener-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
};

/** In the place of the policy that everything else has. */
export const pageHeaders = { 'content-security-policy': toPolicy(pageDirectives) };

export function addSecurityHeaders(app: App): void {
  app.addHook('onRequest', ({ url }, reply, done) => {
    // What might be a document is told all.
    reply.headers(url.startsWith('/api/') ? dataHeaders : documentHeaders);
    done();
  });
}

function toPolicy(policy: Directives): string {
  return Object.entries(policy)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join(';');
}
