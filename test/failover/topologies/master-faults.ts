/** Faults of a Redis master, after which something promotes its replica: the other nodes of a cluster, or Sentinels. */
import type { RedisNode } from '../nodes/redis-node.ts';
import type { FailoverFault, FaultDeps } from './topology.ts';

export interface Pair {
  readonly master: RedisNode;
  readonly replica: RedisNode;
}

/** Chooses a master that is in use. */
export type PickPair = (deps: FaultDeps) => Promise<Pair>;

export function killMaster(pickPair: PickPair): FailoverFault {
  return createMasterFault(
    pickPair,
    (master) => master.kill(),
    (master) => master.start(),
  );
}

export function freezeMaster(pickPair: PickPair): FailoverFault {
  return createMasterFault(
    pickPair,
    (master) => master.freeze(),
    (master) => master.thaw(),
  );
}

/** @param stop ends its service. @param restore brings it back, when the replica has taken over */
function createMasterFault(
  pickPair: PickPair,
  stop: (master: RedisNode) => void | Promise<void>,
  restore: (master: RedisNode) => void | Promise<void>,
): FailoverFault {
  return {
    losesTail: true,
    async inject(deps) {
      const { master, replica } = await pickPair(deps);
      deps.notes.push(`${master.name}, replaced by ${replica.name}`);
      deps.onFault();
      await stop(master);
      await replica.waitForRole('master');
      deps.onTakeover();
      await restore(master);
      await master.waitForRole('slave');
    },
  };
}
