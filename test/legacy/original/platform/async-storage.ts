/** The phone's storage, in memory. */
const items = new Map<string, string>();

export default {
  getItem: async (key: string) => items.get(key) ?? null,
  setItem: async (key: string, value: string) => void items.set(key, value),
};
