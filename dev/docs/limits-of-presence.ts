/** The limits of presence, for `docs/limits.md`. */
import { maxShownDevices } from '../../api/presence/nearest-devices.ts';
import { maxPresenceBytesPerField, maxPresenceBytesPerUser } from '../../api/presence/presence-budget.ts';
import { maxDevicesPerField } from '../../api/presence/presence-store.ts';
import {
  maxBytesPerSecond,
  maxFieldBytesPerSecond,
  maxFieldMessagesPerSecond,
  maxMessagesPerSecond,
} from '../../api/streaming/presence-broadcaster.ts';
import { maxPresenceBytes } from '../../shared/contract/wire.ts';
import type { Limit } from './limits-of-input.ts';

const later = { effect: 'changes are sent later, together' };

export const limitsOfPresence: readonly Limit[] = [
  {
    what: 'Bytes of the data of a device, as JSON',
    value: maxPresenceBytes,
    above: 'invalid_input',
    where: 'shared/contract/stream.ts',
  },
  {
    what: 'Bytes of the devices of a user in a field and process, as JSON',
    value: maxPresenceBytesPerUser,
    above: 'presence_full',
    where: 'api/presence/presence-budget.ts',
  },
  {
    what: 'Bytes of all devices in a field and process, as JSON',
    value: maxPresenceBytesPerField,
    above: 'presence_full',
    where: 'api/presence/presence-budget.ts',
  },
  {
    what: 'Devices of a field that are known one by one',
    value: maxDevicesPerField,
    above: { effect: 'more are only counted' },
    where: 'api/presence/present-devices.ts',
  },
  {
    what: 'Devices that a watcher gets',
    value: maxShownDevices,
    above: { effect: 'those nearest to the centre of its region, and the count' },
    where: 'api/presence/nearest-devices.ts',
  },
  {
    what: 'Messages to a watcher per second',
    value: maxMessagesPerSecond,
    above: later,
    where: 'api/streaming/presence-broadcaster.ts',
  },
  {
    what: 'Messages to all watchers of a field per second',
    value: maxFieldMessagesPerSecond,
    above: later,
    where: 'api/streaming/presence-broadcaster.ts',
  },
  {
    what: 'Bytes to all watchers of a field in a process per second',
    value: maxFieldBytesPerSecond,
    above: later,
    where: 'api/streaming/presence-broadcaster.ts',
  },
  {
    what: 'Bytes to all watchers of a process per second',
    value: maxBytesPerSecond,
    above: later,
    where: 'api/streaming/presence-broadcaster.ts',
  },
];
