import { smoke } from './smoke.ts';

smoke(
  'proxy-sync',
  [/^add \d+ elements$/, /^delete \d+ elements$/].map((work) => ({ peer: /^proxy-sync v/, work })),
);
