/** Enhanced Route Refresh, RFC 7313 §3.1. */

import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

export interface EnhancedRouteRefreshCapability {
  readonly kind: 'enhanced-route-refresh';
}

export const enhancedRouteRefresh: CapabilityDescriptor<EnhancedRouteRefreshCapability> = {
  code: capabilityCode.enhancedRouteRefresh,
  kind: 'enhanced-route-refresh',
  decode(reader) {
    reader.end();
    return { kind: 'enhanced-route-refresh' };
  },
  encode() {},
};
