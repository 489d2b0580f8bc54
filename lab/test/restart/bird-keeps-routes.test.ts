import { startBird } from '../../src/index.ts';
import { testRoutesKept } from './routes-kept.ts';

await testRoutesKept({
  start: startBird,
  withdraw: (bird, config, prefix) =>
    bird.configure({ ...config, announces: config.announces.filter((announced) => announced !== prefix) }),
  restart: (bird, config) => bird.restart(config),
});
