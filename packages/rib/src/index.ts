export type * from './model.ts';
export { createRib, type RibOptions } from './shell/rib.ts';
