import t from 'tap';
import type { LogOptions } from '../../src/log.ts';
import { Secret } from '../../src/options/secret.ts';
import { RepeatFilter } from '../../src/repeat-filter.ts';
import { capturedLog } from './captured-log.ts';

function capture(options: Partial<LogOptions> = {}) {
  const clock = { nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) };
  const { log, lines } = capturedLog({ now: () => clock.nowMs, ...options });
  let read = 0;
  const text = () => {
    const fresh = lines.slice(read).join('');
    read = lines.length;
    return fresh;
  };
  return { log, clock, text };
}

t.test('JSON: one object a line', (t) => {
  const { log, text } = capture();
  log.child('router').info('peer is up', { address: '10.0.0.1', asn: 64512, nested: { list: [1, 2n] } });
  t.same(JSON.parse(text()), {
    time: '2026-01-02T03:04:05.006Z',
    level: 'info',
    module: 'router',
    message: 'peer is up',
    address: '10.0.0.1',
    asn: 64512,
    nested: { list: [1, '2'] },
  });
  log.error('two\nlines');
  t.equal(text().split('\n').length, 2, 'a line end in the text does not end the line');
  t.end();
});

t.test('for people', (t) => {
  const { log, text } = capture({ format: 'human' });
  log.warn('cannot be read', { file: 'a b.yaml', line: 3, error: new Error('bad "x"') });
  t.equal(text(), '03:04:05.006 WARN  agent    cannot be read file="a b.yaml" line=3 error="bad \\"x\\""\n');
  t.end();
});

t.test('debug from -v 1', (t) => {
  const quiet = capture();
  quiet.log.debug('x');
  t.equal(quiet.text(), '');
  const loud = capture({ verbosity: 1 });
  loud.log.debug('x');
  t.match(JSON.parse(loud.text()), { level: 'debug' });
  t.end();
});

t.test('an error is written with its causes', (t) => {
  const { log, text } = capture();
  const cause = new Error('connect ECONNREFUSED');
  log.error('lost', { error: new Error('no answer', { cause: new Error('socket', { cause }) }) });
  t.equal(JSON.parse(text()).error, 'no answer: socket: connect ECONNREFUSED');
  log.error('gone', { error: new Error('gone: connect ECONNREFUSED', { cause }) });
  t.equal(JSON.parse(text()).error, 'gone: connect ECONNREFUSED', 'what the message says already is not said again');
  t.end();
});

t.test('no password is written', (t) => {
  const word = 'swordfish';
  const annotations = {
    'kube-router.io/peers': `- password: ${word}`,
    'kube-router.io/peer.passwords': word,
    'kubectl.kubernetes.io/last-applied-configuration': word,
    'a/b': 'shown',
  };
  const fields = [
    { password: word },
    { peers: [{ address: '10.0.0.1', password: word }] },
    { peer: { secret: new Secret(word) } },
    { key: new Secret(word) },
    { list: [new Secret(word)] },
    { map: new Map([['authorization', `Bearer ${word}`]]) },
    { node: { metadata: { annotations } } },
    { bearerToken: word },
    { Passwords: [word] },
  ];
  for (const format of ['json', 'human'] as const) {
    for (const one of fields) {
      const { log, text } = capture({ format, verbosity: 9 });
      log.info('peer', one);
      const line = text();
      t.notMatch(line, word, line);
      t.match(line, 'secret');
    }
  }
  const { log, text } = capture();
  log.info('node', { annotations });
  t.match(text(), 'shown', 'the others are');
  t.end();
});

t.test('a warning that repeats is said once in a while', (t) => {
  const { log, clock, text } = capture();
  for (let i = 0; i < 5; i++) log.child('router').warn('cannot', { address: '10.0.0.1' });
  t.equal(text().trim().split('\n').length, 1);
  log.child('router').warn('cannot', { address: '10.0.0.2' });
  log.child('health').warn('cannot', { address: '10.0.0.1' });
  t.equal(text().trim().split('\n').length, 2, 'other fields and other modules are other lines');
  clock.nowMs += 31_000;
  log.child('router').warn('cannot', { address: '10.0.0.1' });
  t.match(JSON.parse(text()), { message: 'cannot', repeated: 4 });
  for (let i = 0; i < 3; i++) log.info('same');
  t.equal(text().trim().split('\n').length, 3, 'information is not held back');
  t.end();
});

t.test('the filter forgets', (t) => {
  const filter = new RepeatFilter(1000);
  t.equal(filter.admit('a', 0), 0);
  t.equal(filter.admit('a', 999), undefined);
  t.equal(filter.admit('a', 1000), 1);
  t.equal(filter.admit('a', 2000), 0);
  t.equal(filter.admit('b', 2000), 0);
  t.equal(filter.admit('b', 2001), undefined);
  t.equal(filter.admit('c', 60_000), 0);
  t.equal(filter.admit('b', 60_000), 0, 'a count is not kept for ever');
  t.end();
});
