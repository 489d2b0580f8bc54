import { smoke } from './smoke.ts';

smoke(
  'proxy-sync',
  [/^one endpoint change of \d+$/, /^restart with \d+ as wanted$/].map((work) => ({ peer: /^full sync$/, work })),
);
