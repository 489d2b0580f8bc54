/** MULTI_EXIT_DISC, RFC 4271 §5.1.4. */

import { attributeType } from '../iana.ts';
import { category } from './descriptor.ts';
import { numberAttribute } from './number.ts';

export const multiExitDisc = numberAttribute({
  type: attributeType.multiExitDisc,
  name: 'multiExitDisc',
  title: 'MULTI_EXIT_DISC',
  category: category.optionalNonTransitive,
  malformed: 'treat-as-withdraw',
});
