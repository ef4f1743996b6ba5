/** The same of the hooks, with the types of React 18 and 19. */
import {
  FieldInspector,
  FieldProvider,
  useActions,
  useCell,
  useConsciousnessBridge,
  useField,
  useParticle,
  useStatus,
} from 'consciousness-field-client/react';
import { wakeOnForeground } from 'consciousness-field-client/react-native';
import { localStorage } from 'consciousness-field-client/storage/local-storage';

const AppState = { addEventListener: () => ({ remove: () => undefined }) };
const source = {
  url: 'https://field.example.org',
  field: 'global',
  storage: localStorage(),
  wakeOn: wakeOnForeground({ AppState }),
};

export function App() {
  return (
    <FieldProvider source={source}>
      <Star />
      <FieldInspector />
    </FieldProvider>
  );
}

function Star() {
  const count: number = useField(({ memoryParticles }) => memoryParticles.length);
  const star = useParticle('star');
  const value = useCell(1, 2);
  const { setCells } = useActions();
  const { pending } = useConsciousnessBridge(source);
  const add = () => setCells([{ x: 1, y: 2, value: (value ?? 0) + 0.1 }]);
  return (
    <button type="button" onClick={add}>
      {useStatus()} {star?.content?.toUpperCase()} {count} {pending}
    </button>
  );
}

export function Wrong() {
  // @ts-expect-error a provider needs a client, or the options of one
  const provider = <FieldProvider />;
  // @ts-expect-error there may be no such particle
  const content = useParticle('star').content;
  // @ts-expect-error the selector takes the state
  const missing = useField(({ nonsense }) => nonsense);
  return [provider, content, missing];
}
