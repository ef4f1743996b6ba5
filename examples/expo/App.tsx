/** A grid that everybody in the field can touch. Works offline, even if the app is closed meanwhile: edits are sent later. */
import AsyncStorage from '@react-native-async-storage/async-storage';
import NetInfo from '@react-native-community/netinfo';
import {
  FieldProvider,
  useActions,
  useCell,
  usePending,
  useProblem,
  useStatus,
} from 'consciousness-field-client/react';
import { wakeOnForeground } from 'consciousness-field-client/react-native';
import { asyncStorage } from 'consciousness-field-client/storage/async-storage';
import { AppState, Pressable, StyleSheet, Text, View } from 'react-native';

const gridSize = 8;

const source = {
  // `npm start -- --lan` in the server's checkout prints the address that phones on the same network can reach.
  url: process.env.EXPO_PUBLIC_FIELD_URL ?? 'http://127.0.0.1:3000',
  field: process.env.EXPO_PUBLIC_FIELD ?? 'phones',
  storage: asyncStorage(AsyncStorage),
  wakeOn: wakeOnForeground({ AppState, NetInfo }),
};

export function App() {
  return (
    <FieldProvider source={source}>
      <View style={styles.screen}>
        <Text style={styles.title}>Touch a cell</Text>
        <View style={styles.grid}>
          {Array.from({ length: gridSize * gridSize }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place in the grid
            <Cell key={index} x={index % gridSize} y={Math.floor(index / gridSize)} />
          ))}
        </View>
        <StatusLine />
      </View>
    </FieldProvider>
  );
}

/** Renders again only when its own cell changes. */
function Cell({ x, y }: { readonly x: number; readonly y: number }) {
  const value = useCell(x, y) ?? 0;
  const { setCells } = useActions();
  const toggle = () => setCells([{ x, y, value: value > 0 ? 0 : 1 }]);
  return (
    <Pressable
      accessibilityLabel={`cell ${x}, ${y}`}
      accessibilityRole="switch"
      aria-checked={value > 0}
      onPress={toggle}
      style={[styles.cell, { backgroundColor: `hsl(${200 + 160 * value}, 80%, ${15 + 45 * value}%)` }]}
    />
  );
}

function StatusLine() {
  const status = useStatus();
  const pending = usePending();
  const problem = useProblem();
  return (
    <Text role="status" style={styles.status}>
      {status}
      {pending > 0 && `, ${pending} waiting`}
      {problem && `: ${problem.message}`}
    </Text>
  );
}

const styles = StyleSheet.create({
  screen: { flex: 1, alignItems: 'center', justifyContent: 'center', gap: 16, backgroundColor: '#101018' },
  title: { color: '#ffffff', fontSize: 24 },
  grid: { width: 8 * 44, flexDirection: 'row', flexWrap: 'wrap' },
  cell: { width: 42, height: 42, margin: 1, borderRadius: 6 },
  status: { minHeight: 40, color: '#c8c8d8', fontSize: 16 },
});
