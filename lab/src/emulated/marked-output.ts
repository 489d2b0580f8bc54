/**
 * One job's share of a stream that outlives it: what comes before a line `MARK STATUS`. Passes on everything as soon as
 * it cannot be the beginning of the mark.
 */
import { Transform, type TransformCallback } from 'node:stream';

export class MarkedOutput extends Transform {
  /** The status behind the mark; undefined when the stream ended without one. */
  readonly status: Promise<number | undefined>;
  readonly #mark: Buffer;
  readonly #settle: (status: number | undefined) => void;
  #held: Buffer = Buffer.alloc(0);

  constructor(mark: string) {
    super();
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.status = promise;
    this.#settle = resolve;
    this.#mark = Buffer.from(`${mark} `);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const data = Buffer.concat([this.#held, chunk]);
    const at = data.indexOf(this.#mark);
    const end = at < 0 ? -1 : data.indexOf('\n', at);
    if (end >= 0) {
      this.push(data.subarray(0, at));
      this.push(null);
      this.#held = Buffer.alloc(0);
      this.#settle(Number(data.toString('latin1', at + this.#mark.length, end)));
    } else {
      const from = at >= 0 ? at : this.#beginning(data);
      this.push(data.subarray(0, from));
      this.#held = data.subarray(from);
    }
    done();
  }

  /** Where a mark may have begun that the chunk cuts. */
  #beginning(data: Buffer): number {
    for (let from = Math.max(0, data.length - this.#mark.length + 1); from < data.length; from++)
      if (data.subarray(from).equals(this.#mark.subarray(0, data.length - from))) return from;
    return data.length;
  }

  override _flush(done: TransformCallback): void {
    this.push(this.#held);
    this.#settle(undefined);
    done();
  }
}
