/**
 * The program that has the kernel drop datagrams with too small a TTL before a socket takes them, for the classic BPF
 * machine: Node cannot read the TTL that a datagram came with, and a filter costs nothing for what it drops.
 */
import { parseAddress } from '../address.ts';
import type { IpFamily, MinimumTtls } from './udp-transport.ts';

/** `struct sock_filter`, include/uapi/linux/filter.h. */
export interface BpfInstruction {
  readonly code: number;
  /** Instructions to skip when a comparison holds, and when not. */
  readonly jt: number;
  readonly jf: number;
  /** Unsigned. */
  readonly k: number;
}

/** include/uapi/linux/bpf_common.h: BPF_LD | BPF_W or BPF_B | BPF_ABS, BPF_JMP | BPF_JEQ or BPF_JGE | BPF_K, BPF_RET | BPF_K. */
const BPF_LD_W_ABS = 0x20;
const BPF_LD_B_ABS = 0x30;
const BPF_JEQ_K = 0x15;
const BPF_JGE_K = 0x35;
const BPF_RET_K = 0x06;
/** include/uapi/linux/filter.h SKF_NET_OFF (-0x100000): offsets from the IP header; a filter's data begin at the UDP header. */
const SKF_NET_OFF = 0xfff0_0000;
const wholeDatagram = 0xffff_ffff;

/** RFC 791 §3.1 Time to Live, Source Address; RFC 8200 §3 Hop Limit, Source Address. */
const headers = { 4: { ttlAt: 8, sourceAt: 12 }, 6: { ttlAt: 7, sourceAt: 8 } } as const;

export function ttlFilter(family: IpFamily, { fallback, exceptions }: MinimumTtls): BpfInstruction[] {
  const { ttlAt, sourceAt } = headers[family];
  const check = (minimumTtl: number): BpfInstruction[] => [
    { code: BPF_LD_B_ABS, jt: 0, jf: 0, k: SKF_NET_OFF + ttlAt },
    { code: BPF_JGE_K, jt: 0, jf: 1, k: minimumTtl },
    { code: BPF_RET_K, jt: 0, jf: 0, k: wholeDatagram },
    { code: BPF_RET_K, jt: 0, jf: 0, k: 0 },
  ];
  const only = ({ remoteAddress, minimumTtl }: MinimumTtls['exceptions'][number]): BpfInstruction[] => {
    const address = parseAddress(remoteAddress);
    const bytes = new DataView(address.buffer, address.byteOffset, address.length);
    const program = check(minimumTtl);
    for (let at = address.length - 4; at >= 0; at -= 4) {
      program.unshift(
        { code: BPF_LD_W_ABS, jt: 0, jf: 0, k: SKF_NET_OFF + sourceAt + at },
        // Another address: on behind all of this one's.
        { code: BPF_JEQ_K, jt: 0, jf: program.length, k: bytes.getUint32(at) },
      );
    }
    return program;
  };
  return [...exceptions.flatMap(only), ...check(fallback)];
}
