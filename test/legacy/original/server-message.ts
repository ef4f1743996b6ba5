/** What the process with the original's server sends to the test. */
export type ServerMessage =
  | { readonly kind: 'listening'; readonly port: number; readonly migration: string }
  | { readonly kind: 'stored' };
