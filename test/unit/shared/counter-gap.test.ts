import t from 'tap';
import { globalField } from '../../../shared/field/ids.ts';
import { CounterGapDetector } from '../../../shared/updates/counter-gap.ts';
import { asDevice } from '../../support/updates.ts';

const owner = { field: globalField, device: asDevice('ada') };

function createDetector(lastInLog: number) {
  let reads = 0;
  const detector = new CounterGapDetector(async () => {
    reads += 1;
    return lastInLog;
  });
  return { detector, countReads: () => reads };
}

t.test('the log is not read while counters are within the limit of the accepted ones', async (t) => {
  const { detector, countReads } = createDetector(5_000_000);
  t.equal(await detector.find(owner, [1_000_000]), undefined);
  detector.recordAccepted(owner, 1_000_000);
  t.equal(await detector.find(owner, [1_000_001, 2_000_000]), undefined);
  t.equal(countReads(), 0);
});

t.test('a gap is measured from the last counter in the log', async (t) => {
  const { detector, countReads } = createDetector(5_000_000);
  t.equal(await detector.find(owner, [6_000_000]), undefined);
  t.same(await detector.find(owner, [6_000_000, 6_000_001]), { index: 1, counter: 6_000_001, last: 5_000_000 });
  t.equal(countReads(), 2);
});

t.test('a refused counter does not raise the limit', async (t) => {
  const { detector } = createDetector(0);
  t.match(await detector.find(owner, [1_000_001]), { last: 0 });
  t.match(await detector.find(owner, [1_000_001]), { last: 0 });
});

t.test('a lower accepted counter does not lower the limit', async (t) => {
  const { detector } = createDetector(0);
  detector.recordAccepted(owner, 10);
  detector.recordAccepted(owner, 3);
  t.equal(await detector.find(owner, [1_000_010]), undefined);
});
