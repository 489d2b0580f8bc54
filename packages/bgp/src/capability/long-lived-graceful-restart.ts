/** Long-Lived Graceful Restart, RFC 9494 §3.1. It means something only beside the capability of RFC 4724. */

import { afiOf, type FamilyKey, familyKey, safiOf } from '../family/model.ts';
import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface LongLivedGracefulRestartCapability {
  readonly kind: 'long-lived-graceful-restart';
  readonly families: readonly {
    readonly family: FamilyKey;
    readonly forwardingPreserved: boolean;
    /** Long-Lived Stale Time, 0 to 16777215. */
    readonly staleTimeSeconds: number;
  }[];
}

const forwarding = 0x80;
const longest = 0xff_ffff;

export const longLivedGracefulRestart: CapabilityDescriptor<LongLivedGracefulRestartCapability> = {
  code: capabilityCode.longLivedGracefulRestart,
  kind: 'long-lived-graceful-restart',
  decode(reader) {
    const families: LongLivedGracefulRestartCapability['families'][number][] = [];
    while (reader.remaining > 0) {
      const family = familyKey(reader.u16(), reader.u8());
      const forwardingPreserved = (reader.u8() & forwarding) !== 0;
      families.push({ family, forwardingPreserved, staleTimeSeconds: (reader.u8() << 16) | reader.u16() });
    }
    return { kind: 'long-lived-graceful-restart', families };
  },
  encode(writer, { families }) {
    for (const { family, forwardingPreserved, staleTimeSeconds } of families) {
      const seconds = Math.min(staleTimeSeconds, longest);
      writer.u16(afiOf(family));
      writer.u8(safiOf(family));
      writer.u8(forwardingPreserved ? forwarding : 0);
      writer.u8(seconds >>> 16);
      writer.u16(seconds & 0xffff);
    }
  },
};
