/** Faults of devices, their networks and their storages. */
import type { Random } from '../../unit/field/support/seeded-random.ts';
import type { SimDevice } from '../processes/devices/sim-device.ts';
import type { World } from '../processes/world.ts';
import { type Fault, later, pickDuration, pickStep, seconds } from './fault.ts';

function onDevice(random: Random, text: string, run: (device: SimDevice, world: World) => void): Fault {
  const index = random.below(5);
  return {
    text: `client ${index} ${text}`,
    run: (world) => {
      const device = world.devices[index];
      if (device) run(device, world);
    },
  };
}

export const deviceFaults: Readonly<Record<string, (random: Random) => Fault>> = {
  'device-offline': (random) => {
    const [state, ms] = [random.pick(['refused', 'silent'] as const), pickDuration(random)];
    return onDevice(random, `is offline for ${seconds(ms)} (${state})`, ({ network }, world) => {
      network.state = state;
      later(world, ms, () => network.repair());
    });
  },
  'device-lossy': (random) => {
    const [ms, slownessMs] = [pickDuration(random), random.below(3000)];
    const text = `loses half of the answers, which take up to ${seconds(slownessMs)} more, for ${seconds(ms)}`;
    return onDevice(random, text, ({ network }, world) => {
      network.answerLoss = 0.5;
      network.slownessMs = slownessMs;
      later(world, ms, () => network.repair());
    });
  },
  'device-restart': (random) => {
    const ms = pickDuration(random);
    return onDevice(random, `dies and starts again after ${seconds(ms)}`, (device, world) => {
      device.kill();
      later(world, ms, () => {
        if (device.process.state === 'killed') device.start();
      });
    });
  },
  'device-sleep': (random) => {
    const ms = pickDuration(random);
    return onDevice(random, `sleeps for ${seconds(ms)}`, ({ process }, world) => {
      process.pause();
      later(world, ms, () => world.environment.time.resume(process));
    });
  },
  'device-clock': (random) => {
    const ms = pickStep(random);
    return onDevice(random, `has its clock set by ${seconds(ms)}`, (device) => {
      device.clockOffsetMs += ms;
      device.process.clockOffsetMs += ms;
    });
  },
  'device-storage': (random) => {
    const [ms, isFull] = [pickDuration(random), random.chance(0.5)];
    return onDevice(random, `has a ${isFull ? 'full' : 'slow'} storage for ${seconds(ms)}`, ({ storage }, world) => {
      storage.isFull = isFull;
      storage.slownessMs = isFull ? 0 : 2000;
      later(world, ms, () => Object.assign(storage, { isFull: false, slownessMs: 0 }));
    });
  },
  // With updates under way, which guarantees.md excludes, a copy of the device would know of others than the device.
  'device-backup': (random) =>
    random.chance(0.5)
      ? onDevice(random, 'makes a backup of its storage, if it is settled', (device) => {
          if (device.isSettled) device.keepCopy();
        })
      : onDevice(random, 'is restored from its backup, if it is settled', (device) => {
          if (!device.isSettled) return;
          device.restoreCopy();
          device.start();
        }),
  'watcher-offline': (random) => {
    const [index, state, ms] = [random.below(2), random.pick(['refused', 'silent'] as const), pickDuration(random)];
    return {
      text: `watcher ${index} is offline for ${seconds(ms)} (${state})`,
      run: (world) => {
        const network = world.watchers[index]?.network;
        if (!network) return;
        network.state = state;
        later(world, ms, () => network.repair());
      },
    };
  },
};
