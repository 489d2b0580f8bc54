/** What happened in a simulation, as a hash that is equal for equal runs, and for whoever listens as events. */

export interface TraceEvent {
  readonly at: number;
  readonly kind: 'open' | 'data' | 'close' | 'refused';
  readonly from: string;
  readonly to: string;
  readonly bytes?: Uint8Array;
}

export class Trace {
  #hash = 0x811c9dc5;
  #events = 0;
  #lastActivity = 0;
  onEvent: ((event: TraceEvent) => void) | undefined;

  /** FNV-1a over all events so far. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  get events(): number {
    return this.#events;
  }

  /** Time of the last event that was more than a KEEPALIVE or an attempt that failed. */
  get lastActivity(): number {
    return this.#lastActivity;
  }

  add(event: TraceEvent): void {
    this.#events++;
    const idle = event.kind === 'refused' || (event.bytes !== undefined && onlyKeepalives(event.bytes));
    if (!idle) this.#lastActivity = event.at;
    this.#text(`${event.at} ${event.kind} ${event.from} ${event.to} `);
    for (const byte of event.bytes ?? []) this.#byte(byte);
    this.onEvent?.(event);
  }

  #text(text: string): void {
    for (let index = 0; index < text.length; index++) this.#byte(text.charCodeAt(index));
  }

  #byte(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
  }
}

/** Each write of a session is whole messages; a KEEPALIVE has 19 bytes, the last of them its type. */
function onlyKeepalives(bytes: Uint8Array): boolean {
  if (bytes.length % 19 !== 0) return false;
  for (let at = 18; at < bytes.length; at += 19) if (bytes[at] !== 4) return false;
  return true;
}
