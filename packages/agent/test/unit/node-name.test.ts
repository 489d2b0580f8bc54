import t from 'tap';
import { resolveNodeName } from '../../src/node-name.ts';

t.test('flag, environment, host name (P-7)', (t) => {
  t.equal(resolveNodeName({ hostnameOverride: 'flag' }, { NODE_NAME: 'env' }, 'host'), 'flag');
  t.equal(resolveNodeName({ hostnameOverride: '' }, { NODE_NAME: 'env' }, 'host'), 'env');
  t.equal(resolveNodeName({ hostnameOverride: '' }, { NODE_NAME: '' }, 'Host\n'), 'host');
  t.equal(resolveNodeName({ hostnameOverride: '' }, {}, 'host.example'), 'host.example');
  t.end();
});
