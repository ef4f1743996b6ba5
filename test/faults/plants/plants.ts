/** All planted defects by name. */
import { applyTwice } from './apply-twice.ts';
import { breakChain } from './break-chain.ts';
import { dropAccepted } from './drop-accepted.ts';
import { otherHistory } from './other-history.ts';
import { overwriteCache } from './overwrite-cache.ts';
import type { Plant } from './plant.ts';
import { publishBeforeCommit } from './publish-before-commit.ts';
import { rewriteLog } from './rewrite-log.ts';

/** The fewest from which a trend is estimated (checker/leaks.ts). */
const leakRounds = 7;

export const plants: Readonly<Record<string, Plant>> = {
  'drop-accepted': dropAccepted,
  'apply-twice': applyTwice,
  'publish-before-commit': publishBeforeCommit,
  'overwrite-cache': overwriteCache,
  'rewrite-log': rewriteLog,
  'break-chain': breakChain,
  'other-history': otherHistory,
  'leak-handles': {
    expectedViolation: 'leak',
    apiPreload: new URL('./leak-handles.ts', import.meta.url).href,
    rounds: leakRounds,
  },
  'leak-memory': {
    expectedViolation: 'leak',
    apiPreload: new URL('./leak-memory.ts', import.meta.url).href,
    rounds: leakRounds,
  },
};
