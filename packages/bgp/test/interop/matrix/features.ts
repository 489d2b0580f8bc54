/** The rows of the matrix. */
import type { Feature } from './feature.ts';
import { refreshFeatures } from './features/refresh.ts';
import { restartFeatures } from './features/restart.ts';
import { routeFeatures } from './features/routes.ts';
import { topologyFeatures } from './features/topology.ts';
import { transportFeatures } from './features/transport.ts';

export const features: readonly Feature[] = [
  ...routeFeatures,
  ...transportFeatures,
  ...refreshFeatures,
  ...restartFeatures,
  ...topologyFeatures,
];
