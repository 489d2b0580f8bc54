/** LOCAL_PREF, RFC 4271 §5.1.5. */

import { attributeType } from '../iana.ts';
import { category } from './descriptor.ts';
import { numberAttribute } from './number.ts';

export const localPref = numberAttribute({
  type: attributeType.localPref,
  name: 'localPref',
  title: 'LOCAL_PREF',
  category: category.wellKnown,
  malformed: 'treat-as-withdraw',
  // RFC 7606 §7.5: received from an external neighbour it is discarded. RFC 5065 §5.1 allows it inside a confederation.
  expected: (context) => context.peerType !== 'ebgp',
});
