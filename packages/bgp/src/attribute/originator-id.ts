/** ORIGINATOR_ID, RFC 4456 §8: the BGP Identifier of the speaker that brought the route into the AS. */

import { formatIpv4 } from '../address.ts';
import { attributeType } from '../iana.ts';
import { category } from './descriptor.ts';
import { numberAttribute } from './number.ts';

export const originatorId = numberAttribute(
  {
    type: attributeType.originatorId,
    name: 'originatorId',
    title: 'ORIGINATOR_ID',
    category: category.optionalNonTransitive,
    malformed: 'treat-as-withdraw',
    // RFC 7606 §7.9: from an external neighbour it is discarded.
    expected: (context) => context.peerType !== 'ebgp',
  },
  formatIpv4,
);
