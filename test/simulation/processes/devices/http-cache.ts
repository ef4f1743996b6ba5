/** A cache of HTTP responses between devices and the APIs: it keeps the last response of each URL, and asks whether it is current. */
import type { DeviceId, FieldId } from '../../../../shared/field/ids.ts';
import { handleRequest } from '../api-routes.ts';
import type { Environment } from '../environment.ts';
import type { SimApi } from '../sim-api.ts';

const reader = 'reader' as DeviceId;

export class HttpCache {
  /** Breaches of the protocol. */
  readonly violations: string[] = [];
  readonly #environment: Environment;
  readonly #etags = new Map<FieldId, string>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  read(field: FieldId, api: SimApi): void {
    const { services } = api;
    if (!services) return;
    const { time, variants } = this.#environment;
    const ifNoneMatch = this.#etags.get(field);
    const request = { field, path: '', device: reader, ifNoneMatch, waitSeconds: 0, updates: undefined };
    time.scheduleFor(api.process, 0, async () => {
      const { status, etag } = await handleRequest({ ...services, matchesEtag: variants.matchesEtag }, request);
      if (status === 304 && etag !== ifNoneMatch)
        this.violations.push(`${field}: ${api.name} says that ${ifNoneMatch} is current, where the state is ${etag}`);
      if (status === 200 && etag) this.#etags.set(field, etag);
    });
  }
}
