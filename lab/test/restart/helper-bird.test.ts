import { startBird } from '../../src/index.ts';
import { testHelper } from './helper.ts';

await testHelper({
  start: startBird,
  withdraw: (bird, config, prefix) =>
    bird.configure({ ...config, announces: config.announces.filter((announced) => announced !== prefix) }),
  restart: (bird, config) => bird.restart(config),
});
