/**
 * The socket options that the netlink package has no call for, set through koffi on the descriptor of its socket. koffi
 * is an optional dependency: where it cannot be loaded, errors come without the kernel's text and dumps come unfiltered,
 * and everything else works the same.
 */
import { readdirSync } from 'node:fs';
import { AF_NETLINK } from '../constants/address.ts';
import { NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK, NETLINK_NO_ENOBUFS } from '../constants/netlink.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';

/** include/linux/socket.h SOL_NETLINK */
const SOL_NETLINK = 270;
/** include/uapi/asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SO_PROTOCOL = 38;
const SO_MEMINFO = 55;
/** include/uapi/linux/sock_diag.h SK_MEMINFO_DROPS and SK_MEMINFO_VARS */
const SK_MEMINFO_DROPS = 8;
const SK_MEMINFO_VARS = 9;
/** sizeof(struct sockaddr_nl) */
const SOCKADDR_NL_BYTES = 12;

/** The C library's calls. */
export interface SocketCalls {
  setsockopt(descriptor: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockopt(descriptor: number, level: number, name: number, value: Uint8Array, length: number[]): number;
  attachFilter(descriptor: number, program: Uint8Array): number;
  getsockname(descriptor: number, address: Uint8Array, length: number[]): number;
}

let loaded: Promise<SocketCalls | undefined> | undefined;

/** Once a process: koffi keeps each type that was declared. @returns undefined where koffi is not installed or does not run. */
export function loadSocketCalls(): Promise<SocketCalls | undefined> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<SocketCalls | undefined> {
  try {
    const { default: koffi } = await import('koffi');
    // No name: the C library that Node itself is linked to, glibc or musl.
    const library = koffi.load(null);
    const filterProgram = koffi.struct({ len: 'uint16_t', filter: koffi.pointer('uint8_t') });
    const attach = library.func('setsockopt', 'int', ['int', 'int', 'int', koffi.pointer(filterProgram), 'uint32_t']);
    return {
      attachFilter: (descriptor, program) =>
        attach(
          descriptor,
          SOL_SOCKET,
          SO_ATTACH_FILTER,
          { len: program.length / SOCK_FILTER_BYTES, filter: program },
          koffi.sizeof(filterProgram),
        ),
      setsockopt: library.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)'),
      getsockopt: library.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
      getsockname: library.func('int getsockname(int, _Out_ uint8_t *, _Inout_ uint32_t *)'),
    };
  } catch {
    return undefined;
  }
}

/**
 * Sets NETLINK_EXT_ACK, NETLINK_CAP_ACK and NETLINK_GET_STRICT_CHK, and the receive buffer beyond net.core.rmem_max.
 *
 * @returns whether the first three are set: not so before Linux 4.20.
 */
export function setNetlinkOptions(calls: SocketCalls, descriptor: number, receiveBufferBytes: number): boolean {
  const set = (level: number, name: number, value: number): boolean =>
    calls.setsockopt(descriptor, level, name, hostInteger(value), 4) === 0;
  // Needs CAP_NET_ADMIN; without it the size that SO_RCVBUF allowed stays.
  set(SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes);
  return [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK]
    .map((option) => set(SOL_NETLINK, option, 1))
    .every((done) => done);
}

/**
 * Has the kernel count the datagrams it drops (`droppedDatagrams`) and raise no ENOBUFS for them (NETLINK_NO_ENOBUFS).
 *
 * @returns whether it does.
 */
export function countDrops(calls: SocketCalls, descriptor: number): boolean {
  return calls.setsockopt(descriptor, SOL_NETLINK, NETLINK_NO_ENOBUFS, hostInteger(1), 4) === 0;
}

/** Datagrams for which the receive buffer had no room since the socket was opened. */
export function droppedDatagrams(calls: SocketCalls, descriptor: number): number {
  const value = new Uint8Array(SK_MEMINFO_VARS * 4);
  calls.getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, value, [value.length]);
  return new DataView(value.buffer).getUint32(SK_MEMINFO_DROPS * 4, true);
}

/** The descriptor of this process's netlink socket with a port id; the netlink package does not tell it. */
export function findDescriptor(calls: SocketCalls, protocol: number, portId: number): number | undefined {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .find((descriptor) => {
      const address = new Uint8Array(SOCKADDR_NL_BYTES);
      if (calls.getsockname(descriptor, address, [SOCKADDR_NL_BYTES]) !== 0) return false;
      const view = new DataView(address.buffer);
      if (view.getUint16(0, true) !== AF_NETLINK || view.getUint32(4, true) !== portId) return false;
      const value = new Uint8Array(4);
      calls.getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, value, [4]);
      return new DataView(value.buffer).getUint32(0, true) === protocol;
    });
}

/**
 * Has the kernel leave out the datagrams whose first message carries a port id (nlmsg_pid), before they cost room in the
 * receive buffer. A multicast datagram holds one message. Where the filter is refused the messages just come.
 */
export function excludePortId(calls: SocketCalls, descriptor: number, portId: number): void {
  const program = new Writer();
  const instruction = (code: number, whenTrue: number, whenFalse: number, operand: number): void => {
    program.u16(code);
    program.u8(whenTrue);
    program.u8(whenFalse);
    program.u32(operand);
  };
  const swapped = new Writer();
  swapped.u32(portId);
  // BPF loads in network byte order, nlmsg_pid is in the host's.
  const loaded = new Reader(swapped.take()).be32();
  instruction(BPF_LD_W_ABS, 0, 0, PORT_ID_OFFSET);
  instruction(BPF_JEQ_K, 0, 1, loaded);
  instruction(BPF_RET_K, 0, 0, 0);
  instruction(BPF_RET_K, 0, 0, 0xffffffff);
  calls.attachFilter(descriptor, program.take());
}

/** include/uapi/linux/bpf_common.h: BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K */
const BPF_LD_W_ABS = 0x20;
const BPF_JEQ_K = 0x15;
const BPF_RET_K = 0x06;
/** offsetof(struct nlmsghdr, nlmsg_pid) */
const PORT_ID_OFFSET = 12;
/** sizeof(struct sock_filter) */
const SOCK_FILTER_BYTES = 8;

function hostInteger(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}
