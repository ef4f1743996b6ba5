/** The hybrid logical clock of a device: which timestamps it gives to updates. */
import { HybridClock } from '../../../client/hybrid-clock.ts';

/** Every step has the reading of the device's wall clock in ms. */
type Step = { readonly wall: number } & (
  | { readonly do: 'observe'; readonly timestamp: number }
  | { readonly do: 'correct'; readonly serverTime: number; readonly sentAt: number }
  | { readonly do: 'next' }
  | { readonly do: 'restamp'; readonly createdAt: number; readonly above: number }
);

const start = 1_700_000_000_000;

const cases: Readonly<Record<string, readonly Step[]>> = {
  'the wall clock, as long as nothing higher was seen': [
    { wall: start, do: 'next' },
    { wall: start + 5, do: 'next' },
  ],
  'above every timestamp that was seen': [
    { wall: start, do: 'observe', timestamp: start + 9000 },
    { wall: start, do: 'next' },
    { wall: start, do: 'observe', timestamp: start + 8000 },
    { wall: start, do: 'next' },
  ],
  'a clock that is an hour behind is corrected by the time of a response, and half of its round trip': [
    { wall: start - 3_600_000, do: 'correct', serverTime: start, sentAt: start - 3_600_000 - 400 },
    { wall: start - 3_600_000, do: 'next' },
    { wall: start - 3_599_000, do: 'next' },
  ],
  'the round trip is unknown if the wall clock was set back meanwhile': [
    { wall: start - 60_000, do: 'correct', serverTime: start, sentAt: start },
    { wall: start - 60_000, do: 'next' },
  ],
  'a wall clock before 1970 gives 0': [{ wall: -5, do: 'next' }],
  'an update that waited gets the corrected time of its creation when it is first sent': [
    { wall: start, do: 'correct', serverTime: start + 5000, sentAt: start },
    { wall: start + 100, do: 'restamp', createdAt: start - 20_000, above: 0 },
    { wall: start + 100, do: 'restamp', createdAt: start + 9_000_000, above: 0 },
    { wall: start + 100, do: 'restamp', createdAt: start - 20_000, above: start + 7000 },
  ],
};

export function createClockVectors(): object {
  return {
    cases: Object.entries(cases).map(([name, steps]) => {
      let wall = 0;
      const clock = new HybridClock(() => wall);
      const run = (step: Step): object => {
        wall = step.wall;
        if (step.do === 'next') return { ...step, timestamp: clock.nextTimestamp() };
        if (step.do === 'restamp') return { ...step, timestamp: clock.restamp(step.createdAt, step.above) };
        if (step.do === 'observe') clock.observe(step.timestamp);
        else clock.correct(step.serverTime, step.sentAt);
        return step;
      };
      return { name, steps: steps.map(run) };
    }),
  };
}
