/**
 * The least BGP speaker that a real one keeps a session with: OPEN, KEEPALIVE, and then bytes. Feeder and sink are made
 * of it, so that what is measured is the daemon between them.
 */
import { connect, type Socket } from 'node:net';
import { encodeKeepalive, encodeOpen, familyNamed } from '@routelet/bgp/codec';
import { type FamilyName, type PeerAddress, speaker, speakerAddress } from './plan.ts';

const HEADER = 19;
const OPEN = 1;
const UPDATE = 2;
const KEEPALIVE = 4;
const holdTimeSeconds = 240;
const retryMs = 100;

/**
 * Connects, again and again until the session is up. `identifier`: any number that no other peer has. `onUpdate` gets the
 * bytes of whole UPDATEs, header included. The socket it resolves with is in Established.
 */
export async function leanPeer(
  peer: PeerAddress,
  family: FamilyName,
  identifier: number,
  onUpdate: (message: Buffer) => void,
): Promise<Socket> {
  for (;;) {
    const socket = await attempt(peer, family, identifier, onUpdate);
    if (socket !== undefined) return socket;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

function attempt(
  { address, asn }: PeerAddress,
  family: FamilyName,
  identifier: number,
  onUpdate: (message: Buffer) => void,
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      host: speakerAddress(family),
      port: speaker.port,
      localAddress: address,
      noDelay: true,
    });
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => resolve(undefined));
    socket.on('connect', () => {
      socket.write(
        encodeOpen({
          kind: 'open',
          version: 4,
          myAs: asn,
          holdTimeSeconds,
          identifier,
          capabilities: [
            { kind: 'multiprotocol', family: familyNamed(`${family}-unicast`).key },
            { kind: 'four-octet-as', asn },
          ],
        }),
      );
    });
    socket.on('data', (chunk: Buffer) => {
      let data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (data.length >= HEADER) {
        const length = data.readUInt16BE(16);
        if (data.length < length) break;
        const type = data[18];
        if (type === OPEN) socket.write(encodeKeepalive());
        else if (type === UPDATE) onUpdate(data.subarray(0, length));
        else if (type === KEEPALIVE) {
          socket.write(encodeKeepalive());
          resolve(socket);
        }
        data = data.subarray(length);
      }
      rest = data;
    });
  });
}

/** Milliseconds of the machine's monotonic clock: the same in all processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
