/** An engine as several servers, of which one takes over for another, and the faults that make it do so. */
import type { Random } from '../../unit/field/support/seeded-random.ts';

export interface FaultDeps {
  readonly random: Random;
  /** What exactly was done, for the report. */
  readonly notes: string[];
  /** To be called when the fault begins. */
  readonly onFault: () => void;
  /** To be called when another server has taken over. */
  readonly onTakeover: () => void;
}

export interface FailoverFault {
  /** Whether the server that takes over may lack what the other had confirmed. Devices then send that again, as the client does. */
  readonly losesTail: boolean;
  /** Resolves when another server has taken over and as many servers as before are running. */
  readonly inject: (deps: FaultDeps) => Promise<void>;
}

export interface RedisTopology {
  readonly queueUrl: string;
  readonly cacheUrl: string;
  readonly faults: Readonly<Record<string, FailoverFault>>;
}

export interface PostgresTopology {
  /** For the APIs and the workers. */
  readonly url: string;
  /** Leads to PostgreSQL without a proxy. */
  readonly directUrl?: string;
  readonly faults: Readonly<Record<string, FailoverFault>>;
}
