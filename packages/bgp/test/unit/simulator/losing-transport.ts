/** A fault to be found: one withdraw that is never sent. */
import { decodeMessage } from '../../../src/message/message.ts';
import type { Connection, Transport } from '../../../src/ports.ts';

/** Drops the first UPDATE with withdrawn routes that any connection writes once `loss` is armed. */
export function losingOneWithdraw(transport: Transport, loss: { armed: boolean; lost: number }): Transport {
  const wrap = (connection: Connection): Connection => {
    const write = connection.write.bind(connection);
    connection.write = (bytes) => {
      if (loss.armed && loss.lost === 0 && withdraws(bytes)) {
        loss.lost++;
        return true;
      }
      return write(bytes);
    };
    return connection;
  };
  return {
    connect: (options, connected, failed) =>
      transport.connect(options, (connection) => connected(wrap(connection)), failed),
    listen: (options, accept) => transport.listen(options, (connection) => accept(wrap(connection))),
  };
}

function withdraws(bytes: Uint8Array): boolean {
  const length = ((bytes[16] ?? 0) << 8) | (bytes[17] ?? 0);
  const message = decodeMessage(bytes.subarray(0, length));
  return message.kind === 'update' && message.withdrawn.length > 0;
}
