/** Flattens the registers of a field, so that they can be compared with those of the reference merge. */
import type { FieldState } from '../../../../shared/field/state.ts';

interface RegisterContent {
  readonly value: unknown;
  readonly timestamp: number;
  readonly device: string;
  readonly counter: number;
}

/** Registers by name, which is `cell <x>,<y>` or `particle <attribute> <id>`; their order has no meaning. */
export type Registers = Map<string, RegisterContent>;

export const particleRegisters = ['exists', 'position', 'velocity', 'resonance', 'content', 'connections'] as const;

export const cellName = (cell: string) => `cell ${cell}`;
export const attributeName = (id: string, attribute: string) => `particle ${attribute} ${id}`;

interface Stamped {
  readonly value: unknown;
  readonly stamp: RegisterStamp;
}
type RegisterStamp = Omit<RegisterContent, 'value'>;

/** Returns the registers of the cells, the particles and the tombstones of a state. */
export function registersOf(state: FieldState): Registers {
  const registers: Registers = new Map();
  const add = (name: string, { value, stamp: { timestamp, device, counter } }: Stamped) => {
    registers.set(name, { value, timestamp, device, counter });
  };
  for (const [cell, register] of state.cells) add(cellName(cell), register);
  for (const [particles, isExpected] of [
    [state.particles, true],
    [state.tombstones, false],
  ] as const) {
    for (const [id, { exists, attributes }] of particles) {
      if (exists?.value !== isExpected) throw new Error(`particle ${id} is in the wrong collection`);
      add(attributeName(id, 'exists'), exists);
      for (const [attribute, register] of Object.entries(attributes)) add(attributeName(id, attribute), register);
    }
  }
  return registers;
}
