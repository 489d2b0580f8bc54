/** Graceful Restart, RFC 4724 §3, with the N bit of RFC 8538 §2. */

import { afiOf, type FamilyKey, familyKey, safiOf } from '../family/model.ts';
import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface GracefulRestartCapability {
  readonly kind: 'graceful-restart';
  /** R bit: this speaker has restarted. */
  readonly restarting: boolean;
  /** N bit: NOTIFICATIONs do not end graceful restart. */
  readonly notification: boolean;
  /** 0 to 4095. */
  readonly restartTimeSeconds: number;
  readonly families: readonly { readonly family: FamilyKey; readonly forwardingPreserved: boolean }[];
}

const flag = { restarting: 0x8000, notification: 0x4000, forwarding: 0x80 } as const;

export const gracefulRestart: CapabilityDescriptor<GracefulRestartCapability> = {
  code: capabilityCode.gracefulRestart,
  kind: 'graceful-restart',
  decode(reader) {
    const word = reader.u16();
    const families: { family: FamilyKey; forwardingPreserved: boolean }[] = [];
    while (reader.remaining > 0) {
      const family = familyKey(reader.u16(), reader.u8());
      families.push({ family, forwardingPreserved: (reader.u8() & flag.forwarding) !== 0 });
    }
    return {
      kind: 'graceful-restart',
      restarting: (word & flag.restarting) !== 0,
      notification: (word & flag.notification) !== 0,
      restartTimeSeconds: word & 0x0fff,
      families,
    };
  },
  encode(writer, { restarting, notification, restartTimeSeconds, families }) {
    writer.u16(
      (restarting ? flag.restarting : 0) |
        (notification ? flag.notification : 0) |
        Math.min(restartTimeSeconds, 0x0fff),
    );
    for (const { family, forwardingPreserved } of families) {
      writer.u16(afiOf(family));
      writer.u8(safiOf(family));
      writer.u8(forwardingPreserved ? flag.forwarding : 0);
    }
  },
};
