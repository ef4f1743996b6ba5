/** The device's token and account in the storage, which the clients of all its fields share. */
import type { StoredIdentity } from '../../connection/registration.ts';
import type { Storage } from '../storage.ts';

const tokenKey = 'token';
const accountKey = 'account';
/** Version 0.1.0 stored the id alone. */
const deviceKey = 'device';

/** The registrations in flight, by the app's storage. */
const registrations = new WeakMap<Storage, Promise<string>>();

interface StoredIdentityDeps {
  readonly storage: Storage;
  /** Where earlier versions have stored the device's id and token. */
  readonly formerStorages: readonly Storage[];
  /** The storage as the app gave it. */
  readonly sharedStorage: Storage;
}

export interface RetriedIdentity extends StoredIdentity {
  /** Retries failed writes: a later process without the token would be another device. Never rejects. */
  retry(): Promise<unknown>;
}

export function createStoredIdentity({ storage, formerStorages, sharedStorage }: StoredIdentityDeps): RetriedIdentity {
  /** By key. */
  const unsaved = new Map<string, string>();
  const save = async (key: string, value: string): Promise<void> => {
    unsaved.set(key, value);
    const isSaved = await storage.set(key, value).then(
      () => true,
      () => false,
    );
    if (isSaved && unsaved.get(key) === value) unsaved.delete(key);
  };
  const read = async (key: string): Promise<string | undefined> => {
    const reads = [storage, ...formerStorages].map((each) => each.get(key).catch(() => null));
    return (await Promise.all(reads)).find((value) => value) ?? undefined;
  };
  const saveToken = (token: string) => save(tokenKey, token);
  /** A client of another field may have registered the device since the storage was read. */
  const takeOrRequest = async (request: () => Promise<string>, former: string | undefined): Promise<string> => {
    const stored = await read(tokenKey);
    if (stored !== undefined && stored !== former) return stored;
    const token = await request();
    await saveToken(token);
    return token;
  };
  return {
    async load() {
      const [token, device, account] = await Promise.all([
        read(tokenKey),
        read(deviceKey),
        storage.get(accountKey).catch(() => null),
      ]);
      return { ...(token && { token }), ...(device && { device }), ...(account && { account }) };
    },
    saveAccount: (account) => void save(accountKey, account),
    saveToken,
    retry: () => Promise.all([...unsaved].map(([key, value]) => save(key, value))),
    register(request, former) {
      const running = registrations.get(sharedStorage) ?? takeOrRequest(request, former);
      registrations.set(sharedStorage, running);
      return running.finally(() => registrations.delete(sharedStorage));
    },
  };
}
