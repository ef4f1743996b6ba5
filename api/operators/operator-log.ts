/** Records operators' actions in PostgreSQL: actions before they are performed, failed logins as counts. */
import type { OperatorAction } from '../../db/operators/operator-action.ts';
import { FieldError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/process/logger.ts';

const flushIntervalMs = 60_000;
/** Failures of further operators and addresses are counted together. */
const maxSums = 1000;

export interface OperatorLogDeps {
  readonly insert: (actions: readonly OperatorAction[]) => Promise<void>;
  readonly log: Logger;
}

interface FailedLogins {
  readonly operator: string;
  readonly origin: string;
  count: number;
}

export class OperatorLog {
  readonly #deps: OperatorLogDeps;
  readonly #timer: NodeJS.Timeout;
  #failures = new Map<string, FailedLogins>();

  constructor(deps: OperatorLogDeps) {
    this.#deps = deps;
    this.#timer = setInterval(() => void this.flush(), flushIntervalMs);
  }

  /** @throws FieldError `database_unavailable` when the actions cannot be recorded, so that they must not be performed */
  async record(...actions: readonly OperatorAction[]): Promise<void> {
    const { insert, log } = this.#deps;
    await insert(actions).catch((cause: unknown) => {
      throw new FieldError('database_unavailable', {
        detail: 'The action cannot be recorded, so it was not performed',
        cause,
      });
    });
    for (const action of actions) log.info(action, 'operator action');
  }

  recordFailedLogin(operator: string, origin: string): void {
    const key = this.#failures.size < maxSums ? `${operator} ${origin}` : '';
    const sum = this.#failures.get(key) ?? (key ? { operator, origin, count: 0 } : createRest());
    sum.count += 1;
    this.#failures.set(key, sum);
  }

  /** Counts that cannot be written are kept for the next flush. */
  async flush(): Promise<void> {
    if (this.#failures.size === 0) return;
    const sums = [...this.#failures.values()];
    this.#failures = new Map();
    try {
      await this.#deps.insert(
        sums.map(({ operator, origin, count }) => ({ operator, origin, action: 'login.failed', details: { count } })),
      );
    } catch (err) {
      this.#deps.log.warn({ err }, 'failed logins not recorded yet');
      for (const { operator, origin, count } of sums)
        for (let index = 0; index < count; index += 1) this.recordFailedLogin(operator, origin);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}

function createRest(): FailedLogins {
  return { operator: '(others)', origin: '(others)', count: 0 };
}
