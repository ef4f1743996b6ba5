/** The registers of a field laid out flat, so that the code's and the oracle's can be compared. */
import type { FieldState } from '../../../../shared/field/state.ts';

interface RegisterContent {
  readonly value: unknown;
  readonly timestamp: number;
  readonly device: string;
  readonly counter: number;
}

/** By name: `cell x,y`, `particle <attribute> <id>`. Compared without regard to order. */
export type Registers = Map<string, RegisterContent>;

export const particleRegisters = ['exists', 'position', 'velocity', 'resonance', 'content', 'connections'] as const;

export const cellName = (cell: string) => `cell ${cell}`;
export const attributeName = (id: string, attribute: string) => `particle ${attribute} ${id}`;

interface Stamped {
  readonly value: unknown;
  readonly stamp: RegisterStamp;
}
type RegisterStamp = Omit<RegisterContent, 'value'>;

/** The registers that a state holds, of existing and of removed particles. */
export function registersOf(state: FieldState): Registers {
  const registers: Registers = new Map();
  const add = (name: string, { value, stamp: { timestamp, device, counter } }: Stamped) => {
    registers.set(name, { value, timestamp, device, counter });
  };
  for (const [cell, register] of state.cells) add(cellName(cell), register);
  for (const [particles, isThere] of [
    [state.particles, true],
    [state.tombstones, false],
  ] as const) {
    for (const [id, { exists, attributes }] of particles) {
      if (exists?.value !== isThere) throw new Error(`particle ${id} stands among the wrong ones`);
      add(attributeName(id, 'exists'), exists);
      for (const [attribute, register] of Object.entries(attributes)) add(attributeName(id, attribute), register);
    }
  }
  return registers;
}
