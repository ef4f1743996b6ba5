/**
 * Parses URLs of PostgreSQL with several hosts, as libpq accepts them, since the driver accepts only one host:
 * `postgres://user:password@a:5432,b:5432/field?target_session_attrs=read-write`.
 */
export interface PostgresUrl {
  /** One URL for each host, without `target_session_attrs`. */
  readonly hosts: readonly [string, ...string[]];
  /** Whether the server must accept writes; the default if there are several hosts. */
  readonly needsWritable: boolean;
}

const parameter = 'target_session_attrs';
/** The other values select read-only servers, with which this software cannot work. */
const writableValues: readonly string[] = ['read-write', 'primary'];

/** @throws RangeError for a value of `target_session_attrs` that is not supported */
export function parsePostgresUrl(url: string): PostgresUrl {
  const [, scheme = '', authority = '', rest = ''] = /^([a-z]+:\/\/)([^/?#]*)(.*)$/is.exec(url) ?? [];
  const at = authority.lastIndexOf('@') + 1;
  const names = authority.slice(at).split(',');
  const [path = '', query = ''] = splitOnce(rest, '?');
  const parameters = query.split('&').filter(Boolean);
  const isTarget = (text: string) => text.startsWith(`${parameter}=`);
  const value = parameters.find(isTarget)?.slice(parameter.length + 1) ?? (names.length > 1 ? 'read-write' : 'any');
  if (value !== 'any' && !writableValues.includes(value)) {
    throw new RangeError(`${parameter} must be read-write, primary or any`);
  }
  if (names.length > 1 && names.includes('')) throw new RangeError('a host is empty');
  if (!names.every(hasValidPort)) throw new RangeError('a port must be a number up to 65535');
  const others = parameters.filter((text) => !isTarget(text)).join('&');
  const urlOf = (name: string) => `${scheme}${authority.slice(0, at)}${name}${path}${others ? `?${others}` : ''}`;
  const [first = '', ...more] = names.map(urlOf);
  const hosts: PostgresUrl['hosts'] = [first, ...more];
  return { hosts, needsWritable: value !== 'any' };
}

function hasValidPort(name: string): boolean {
  const port = /:([^:\]]*)$/.exec(name)?.[1] ?? '';
  return /^\d*$/.test(port) && Number(port) <= 65_535;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** The reason why a URL cannot be used; undefined if it can. */
export function describeUnusableHosts(url: string): string | undefined {
  try {
    parsePostgresUrl(url);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
