/** Addresses of the page, which may lie below any path of its server, and the keys of what it stores. */
const defaultField = 'global';

/** The address of the page without field and fragment, which ends with a slash. */
export function pageAddress(): string {
  return new URL('.', location.href).href;
}

export function currentField(): string {
  return new URLSearchParams(location.search).get('field') ?? defaultField;
}

/** @param viewerToken goes into the fragment, which browsers send to no server and name in no `Referer` */
export function fieldAddress(field: string, viewerToken?: string): string {
  const query = new URLSearchParams({ field });
  return `${pageAddress()}?${query}${viewerToken === undefined ? '' : `#view=${viewerToken}`}`;
}

/** A key of localStorage. Pages below another path of the same origin, which may be other installations, have keys of their own. */
export function storageKey(name: string): string {
  const { pathname } = new URL(pageAddress());
  return pathname === '/' ? name : `${pathname} ${name}`;
}
