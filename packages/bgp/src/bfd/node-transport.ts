/** BFD's datagrams over real sockets: opened by `node-udp-socket.ts`, read and written by Node. */
import { createSocket, type Socket } from 'node:dgram';
import type { Random } from '../ports.ts';
import { BfdError } from './errors.ts';
import { sourcePorts } from './iana.ts';
import { openUdpSocket, setFilter } from './node-udp-socket.ts';
import { ttlFilter } from './ttl-filter.ts';
import type { IpFamily, MinimumTtls, SocketPlace, UdpTransport } from './udp-transport.ts';

/** `random` draws source ports. */
export function createNodeTransport(random: Random): UdpTransport {
  const used = new Set<number>();
  return {
    openReceiver(place, ttls, receive) {
      const fd = openUdpSocket(place, place.port, { shared: true, filter: filterFor(place.family, ttls) });
      if (fd === 'taken')
        throw new BfdError('BFD_SOCKET', `UDP port ${place.port} is taken by another program that speaks BFD`);
      const socket = adopt(place.family, fd);
      socket.on('message', (bytes, { address }) => receive({ bytes, remoteAddress: address }));
      return {
        setMinimumTtls: (changed) => setFilter(fd, filterFor(place.family, changed)),
        close: () => socket.close(),
      };
    },
    openSender(place) {
      const { fd, port } = openOnFreePort(place, random, used);
      const socket = adopt(place.family, fd);
      used.add(port);
      return {
        send(bytes) {
          // The neighbour notices what does not reach it, and so do we by what it then says.
          socket.send(bytes, place.remotePort, place.remoteAddress, () => {});
        },
        close() {
          socket.close();
          used.delete(port);
        },
      };
    },
  };
}

function filterFor(family: IpFamily, ttls: MinimumTtls) {
  return ttls.fallback === 0 && ttls.exceptions.length === 0 ? [] : ttlFilter(family, ttls);
}

/**
 * Has Node read and write the socket, from this call on: `exclusive` keeps a cluster's primary out of it. An error of one
 * datagram (an ICMP message) is none of the socket.
 */
function adopt(family: IpFamily, fd: number): Socket {
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // Addresses are numeric: nothing to look up, and so a datagram is with the kernel before `send` returns.
    lookup: (address, _options, found) => found(null, address, family),
  });
  socket.on('error', () => {});
  socket.bind({ fd, exclusive: true });
  return socket;
}

/** RFC 5881 §4: the source port "SHOULD be unique among all BFD sessions on the system", whatever address it is on. */
function openOnFreePort(place: SocketPlace, random: Random, used: ReadonlySet<number>): { fd: number; port: number } {
  const count = sourcePorts.last - sourcePorts.first + 1;
  const start = Math.floor(random.next() * count);
  for (let tried = 0; tried < count; tried++) {
    const port = sourcePorts.first + ((start + tried) % count);
    if (used.has(port)) continue;
    const fd = openUdpSocket(place, port, { shared: false });
    if (fd !== 'taken') return { fd, port };
  }
  throw new BfdError('BFD_SOCKET', `no UDP port from ${sourcePorts.first} to ${sourcePorts.last} is free`);
}
