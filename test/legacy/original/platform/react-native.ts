/** Of React Native the hook uses the name of the platform, and vibrations. */
export const Platform = { OS: 'ios' };
export const Vibration = { vibrate: () => undefined };
