/**
 * Security headers of every response. They are computed once, because computing them per request took a tenth of a read's
 * time. Data gets fewer headers than documents, because headers cost bytes on phones.
 */
import type { App } from '../fastify-types.ts';

type Directives = Readonly<Record<string, readonly string[]>>;

/** For the server's pages. Nothing is loaded from elsewhere: Bull Board then shows the system's fonts instead of its own. */
const directives: Directives = {
  'default-src': ["'self'"],
  'script-src': ["'self'"],
  // Bull Board, Swagger UI and the error page have inline styles.
  'style-src': ["'self'", "'unsafe-inline'"],
  'font-src': ["'self'", 'data:'],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'object-src': ["'none'"],
  'base-uri': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};

/** For the live page, which has no inline scripts, and only inline styles whose hashes are added. */
const pageDirectives: Directives = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'connect-src': ["'self'"],
  'manifest-src': ["'self'"],
  'worker-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'require-trusted-types-for': ["'script'"],
  'trusted-types': ['service-worker'],
};

/** Data must not be rendered, framed or sniffed. */
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

/**
 * Replaces the policy of `addSecurityHeaders`.
 * @param styleHashes of inline styles, such as `sha256-…`
 */
export function createPageHeaders(styleHashes: readonly string[] = []) {
  const styleSources = ["'self'", ...styleHashes.map((hash) => `'${hash}'`)];
  return { 'content-security-policy': toPolicy({ ...pageDirectives, 'style-src': styleSources }) };
}

export function addSecurityHeaders(app: App): void {
  app.addHook('onRequest', ({ url }, reply, done) => {
    // Every path outside of the API may be a document.
    reply.headers(url.startsWith('/api/') ? dataHeaders : documentHeaders);
    done();
  });
}

function toPolicy(policy: Directives): string {
  return Object.entries(policy)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join(';');
}
