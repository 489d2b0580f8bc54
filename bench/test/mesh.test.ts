import { smoke } from './smoke.ts';

smoke(
  'mesh',
  [/peers established and converged$/, /converged, peak$/, /peers at rest for \d+ s$/, /peers at rest$/].map(
    (work) => ({
      peer: /^gobgp$/,
      work,
    }),
  ),
);
