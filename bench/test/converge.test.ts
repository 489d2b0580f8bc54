import { smoke } from './smoke.ts';

smoke(
  'converge',
  [/^\d+ changes of a pod CIDR, p50$/, /^\d+ changes of a pod CIDR, p99$/, /^\d+ returns of a Node, p50$/].map(
    (work) => ({
      peer: /^none$/,
      work,
    }),
  ),
);
