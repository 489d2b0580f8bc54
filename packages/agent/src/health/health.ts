/** Says that one component did its work. Called only after success (a failing component must not look alive). */
export interface Heartbeat {
  beat(): void;
}

/** Where components announce themselves. */
export interface Health {
  /** From now on `component` is expected to beat at least once a `periodMs`. */
  register(component: string, periodMs: number): Heartbeat;
}
