/** Redacts secrets in a text: passwords in URLs, tokens, and values that are labelled as secrets. */

const secretPatterns: readonly [RegExp, string][] = [
  [/(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@]{1,500}@/gi, '$1[redacted]@'],
  [/\beyJ[\w-]{1,4000}\.[\w-]{1,4000}(\.[\w-]{0,4000})?/g, '[redacted]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{1,4000}/gi, '$1 [redacted]'],
  [
    /(?<![a-z0-9])(password|passwd|pwd|secret|token|api[_-]?key)(["']?\s{0,5}[=:]\s{0,5})["']?[^\s"',;&]{1,500}/gi,
    '$1$2[redacted]',
  ],
];

export function redactSecrets(text: string): string {
  return secretPatterns.reduce((remaining, [pattern, replacement]) => remaining.replace(pattern, replacement), text);
}
