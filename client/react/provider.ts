/** Gives the components below it one client of a field. */
import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo } from 'react';
import type { FieldClientOptions } from '../options.ts';
import type { FieldClient } from '../types.ts';
import { getSharedClient } from './shared-clients.ts';

const ClientContext = createContext<FieldClient | undefined>(undefined);

/** Either a client that the app creates, starts and closes itself, or the options of a client that runs as long as components use it. */
export type ClientSource = FieldClient | FieldClientOptions;

interface FieldProviderProps {
  readonly source: ClientSource;
  readonly children?: ReactNode;
}

/**
 * ```tsx
 * <FieldProvider source={{ url, field, storage }}>…</FieldProvider>
 * ```
 */
export function FieldProvider({ source, children }: FieldProviderProps) {
  return createElement(ClientContext.Provider, { value: useClient(source) }, children);
}

/** The client of the nearest provider. @throws Error without a provider */
export function useFieldClient(): FieldClient {
  const client = useContext(ClientContext);
  if (!client) throw new Error('There is no <FieldProvider> above this component.');
  return client;
}

/**
 * Starts a client on mount, unless the app has created it, and closes it when the last component that uses it unmounts. The client
 * is replaced when `url`, `field` or `storage` changes. Another `token` is used at once, another `getToken` when the next token is needed.
 */
export function useClient(source: ClientSource): FieldClient {
  const options = isClient(source) ? undefined : source;
  const { url, field, storage, token } = options ?? {};
  // Creating a client has no effect before it is started, so one that strict mode discards needs no clean-up.
  // biome-ignore lint/correctness/useExhaustiveDependencies: options are usually a new object for every render
  const shared = useMemo(() => options && getSharedClient(options), [url, field, storage, !options]);
  useEffect(() => {
    if (shared && options) shared.latest = options;
  });
  useEffect(() => shared?.use(), [shared]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the new token is read from the newest options
  useEffect(() => shared?.client.renewToken(), [shared, token]);
  return shared?.client ?? (source as FieldClient);
}

function isClient(source: ClientSource): source is FieldClient {
  return 'putParticle' in source;
}
