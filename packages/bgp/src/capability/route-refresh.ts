/** Route Refresh, RFC 2918 §2. */

import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface RouteRefreshCapability {
  readonly kind: 'route-refresh';
}

export const routeRefresh: CapabilityDescriptor<RouteRefreshCapability> = {
  code: capabilityCode.routeRefresh,
  kind: 'route-refresh',
  decode(reader) {
    reader.end();
    return { kind: 'route-refresh' };
  },
  encode() {},
};
