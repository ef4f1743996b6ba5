/** What a token allows, as far as it says so: the page of somebody who may only look has no tools. */

/** @returns true also for a token that does not say it: the server decides */
export function mayWrite(token: string | undefined): boolean {
  try {
    const payload = token?.split('.')[1] ?? '';
    const { scope } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
    const scopes: unknown[] = typeof scope === 'string' ? scope.split(' ') : scope;
    return !scopes.includes('field:read') || scopes.includes('field:write');
  } catch {
    return true;
  }
}
