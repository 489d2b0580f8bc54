import { smoke } from './smoke.ts';

smoke('bgp-table', [
  { peer: /^bird/, work: /^\d+ routes in and out$/ },
  { peer: /^bird/, work: /withdrawn/ },
  { peer: /^frr/, work: /^\d+ routes in and out$/ },
  { peer: /^gobgp/, work: /^\d+ routes in and out$/ },
]);
