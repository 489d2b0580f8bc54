import { smoke } from './smoke.ts';

smoke('rest', [
  { peer: /^goal$/, work: /^3 nodes at rest$/ },
  { peer: /^none$/, work: /^\d+ nodes at rest$/ },
  { peer: /^none$/, work: /^\d+ nodes peak$/ },
]);
