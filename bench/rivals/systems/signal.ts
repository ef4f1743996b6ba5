/** An event that happens once, which may be before anything waits for it. */
export interface Signal {
  readonly raised: Promise<void>;
  raise(): void;
}

export function createSignal(): Signal {
  let raise = () => {};
  const raised = new Promise<void>((resolve) => {
    raise = resolve;
  });
  return { raised, raise };
}
