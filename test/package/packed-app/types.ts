/** Compiled against the packed package, without zod: the types are known, and wrong uses do not compile. */
import {
  type CellValue,
  type ClientProblem,
  createFieldClient,
  type FieldClient,
  type FieldConflict,
  type FieldView,
  type OutboxEntry,
  type Particle,
  type ServerMessage,
} from 'consciousness-field-client';
import { predictGauges } from 'consciousness-field-client/prediction';
import { memoryStorage } from 'consciousness-field-client/storage/memory-storage';
import { type PersistentStorage, persistentStorage } from 'consciousness-field-client/storage/persistent-storage';
import type { Storage } from 'consciousness-field-client/storage/storage';

type IsAny<T> = 0 extends 1 & T ? true : false;
type Known<T> = IsAny<T> extends true ? never : T;

const own: Storage = memoryStorage();
const storage: PersistentStorage = persistentStorage(own);
const client: FieldClient = createFieldClient({
  url: 'https://field.example.org',
  field: 'global',
  storage,
  prediction: predictGauges(),
  getToken: async () => 'token',
});
const state: Known<typeof client.state> = client.state;
const particle: Known<Particle> | undefined = state.memoryParticles[0];
const resonance: Known<NonNullable<typeof particle>['resonance']> | undefined = particle?.resonance;
const cell: number | undefined = state.cells['1,2'];
const entry: Known<OutboxEntry> = client.setCells([{ x: 1, y: 2, value: 0.5 } satisfies CellValue]);
const outcome: Known<typeof entry.outcome> = entry.outcome;
client.putParticle('star', { ...particle, content: 'text' });
client.putParticle('star', { position: { x: 1, y: 2 } });
client.on('conflict', ({ winner, local, remote }: Known<FieldConflict>) => [winner, local.value, remote.device]);
client.on('problem', ({ code, message }: Known<ClientProblem>) => `${code} ${message}`);
client.on('message', (message: Known<ServerMessage>) => message.type === 'delta' && message.changes.particles);
client.on('state', (view: Known<FieldView>) => view.quantumFields.map(({ strength }) => strength.toFixed(2)));
void [resonance, cell, outcome];

// @ts-expect-error a client needs a field
createFieldClient({ url: 'https://field.example.org' });
// @ts-expect-error a storage stores text by key
createFieldClient({ url: 'https://field.example.org', field: 'global', storage: {} });
// @ts-expect-error what stores and restores comes with `persistentStorage`
createFieldClient({ url: 'https://field.example.org', field: 'global', storage: own });
// @ts-expect-error there is no such event of a field
client.emit('nonsense');
// @ts-expect-error there is no such event of a client
client.on('nonsense', () => undefined);
// @ts-expect-error coordinates are numbers
client.putParticle('star', { position: { x: '1', y: 2 } });
// @ts-expect-error cells have values
client.setCells([{ x: 1, y: 2 }]);
// @ts-expect-error the state is changed by updates only
client.state.cells['1,2'] = 1;
// @ts-expect-error so are its particles
client.state.memoryParticles.push(particle);
// @ts-expect-error an entry may have no outcome yet
entry.outcome.length;
// @ts-expect-error there is no such status
client.status === 'gone';
// @ts-expect-error other modules are internal
import('consciousness-field-client/outbox/outbox');
