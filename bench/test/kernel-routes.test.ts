import { smoke } from './smoke.ts';

smoke(
  'kernel-routes',
  [/^add \d+ routes$/, /^replace /, /^remove /, /^peak memory /].flatMap((work) => [
    { peer: /bird/i, work },
    { peer: /ip/, work },
  ]),
);
