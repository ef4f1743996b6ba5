/** Requests and answers. test/api/vectors.test.ts checks them with a server, so that they are written by hand and not recorded. */
import { scenarios } from '../exchanges/scenarios.ts';

export function createExchangeVectors(): object {
  return { scenarios: Object.entries(scenarios).map(([name, scenario]) => ({ name, ...scenario })) };
}
