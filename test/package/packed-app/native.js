/** Bundled with Metro and run in Hermes: every part of the client that an app in React Native uses. Prints what it has made. */
import { createFieldClient } from 'consciousness-field-client';
import { createEditor } from 'consciousness-field-client/editing';
import { predictGauges } from 'consciousness-field-client/prediction';
import { FieldProvider } from 'consciousness-field-client/react';
import { wakeOnForeground } from 'consciousness-field-client/react-native';
import { asyncStorage } from 'consciousness-field-client/storage/async-storage';
import { memoryStorage } from 'consciousness-field-client/storage/memory-storage';

const options = { url: 'http://127.0.0.1:9', field: 'global', storage: memoryStorage() };
const client = createFieldClient({ ...options, prediction: predictGauges() });
client.putParticle('star', { position: { x: 1, y: 2 }, resonance: 0.9, connections: ['a', 'b', 'c'] });
client.setCells([{ x: 1, y: 2, value: 0.5 }]);
const { cells, memoryParticles } = client.state;
const parts = [createEditor, FieldProvider, wakeOnForeground, asyncStorage].map((part) => typeof part);
globalThis.print(JSON.stringify({ cells, crystallized: memoryParticles[0].crystallized, parts }));
