/** What a phone reports to the test. */

/** A request that the hook has sent, and what it got. */
export interface SentRequest {
  /** Without `consciousness.` */
  readonly procedure: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Undefined if there was no answer, for example within the five seconds for which the app waits. */
  status?: number;
  /** Why there was none: the name of an error. */
  failure?: string;
  answer?: Readonly<Record<string, unknown>>;
}

export interface PhoneReport {
  readonly kind: 'report';
  readonly nodeId: string;
  /** The contents of the particles that were handed to the hook. */
  readonly contents: readonly string[];
  readonly requests: readonly SentRequest[];
  /** Of the contributions, without connecting. */
  readonly seconds: number;
}

export type PhoneMessage = PhoneReport | { readonly kind: 'connected' };
