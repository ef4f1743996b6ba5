/** The addresses of the page, which may be served below any path, and its storage keys. */
const defaultField = 'global';

/** The address of the page without field and fragment, which ends with a slash. */
export function pageAddress(): string {
  return new URL('.', location.href).href;
}

export function currentField(): string {
  return new URLSearchParams(location.search).get('field') ?? defaultField;
}

/** @param viewerToken goes into the fragment, which browsers neither send to servers nor include in `Referer` */
export function fieldAddress(field: string, viewerToken?: string): string {
  const query = new URLSearchParams({ field });
  return `${pageAddress()}?${query}${viewerToken === undefined ? '' : `#view=${viewerToken}`}`;
}

/** A key of localStorage. Pages below other paths of the origin, which may be other installations, have their own keys. */
export function storageKey(name: string): string {
  const { pathname } = new URL(pageAddress());
  return pathname === '/' ? name : `${pathname} ${name}`;
}
