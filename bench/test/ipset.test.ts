import { smoke } from './smoke.ts';

smoke(
  'ipset',
  [/^add \d+ elements$/, /^delete \d+ elements$/].map((work) => ({ peer: /^ipset v/, work })),
);
