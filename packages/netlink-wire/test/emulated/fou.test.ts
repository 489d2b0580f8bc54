/** FOU and GUE ports in a kernel that has them, judged by `ip fou show`. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { AF_INET, AF_INET6, FOU_ENCAP_DIRECT, FOU_ENCAP_GUE, Fou, type FouPort } from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';

function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { encoding: 'utf8' });
}

/** Lines of `ip fou show` in a fixed order, without the blanks at their ends. */
function shown(): string[] {
  const lines = [ip('fou show'), ip('-6 fou show')].join('').split('\n');
  return [...new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))].sort();
}

for (const module of ['fou', 'fou6']) execFileSync('modprobe', [module]);
const fou = await Fou.open();
t.teardown(() => fou.close());

const cases: readonly { readonly words: string; readonly port: FouPort }[] = [
  { words: 'fou add port 5555 gue', port: { family: AF_INET, port: 5555, type: FOU_ENCAP_GUE } },
  { words: '-6 fou add port 5556 gue', port: { family: AF_INET6, port: 5556, type: FOU_ENCAP_GUE } },
  {
    words: 'fou add port 5557 ipproto 4',
    port: { family: AF_INET, port: 5557, type: FOU_ENCAP_DIRECT, ipProtocol: 4 },
  },
  {
    words: 'fou add port 5558 gue local 127.0.0.1',
    port: { family: AF_INET, port: 5558, type: FOU_ENCAP_GUE, local: bytesOf('127.0.0.1') },
  },
];

for (const { words, port } of cases) {
  await t.test(words, async (t) => {
    t.strictSame([shown(), await fou.ports()], [[], []], 'nothing stands');
    ip(words);
    const theirs = shown();
    t.equal(theirs.length, 1);
    t.strictSame(await fou.ports(), [port], 'we read what ip made');
    t.strictSame(await fou.apply([{ action: 'delete', object: port }]), [undefined]);
    t.strictSame(shown(), [], 'ours deletes what ip made');
    t.strictSame(await fou.apply([{ action: 'add', object: port }]), [undefined]);
    t.strictSame(shown(), theirs, 'ip shows ours as its own');
    t.match(await fou.apply([{ action: 'add', object: port }]), [{ code: 'EADDRINUSE' }], 'a port is taken once');
    await fou.apply([{ action: 'delete', object: port }]);
    t.match(await fou.apply([{ action: 'delete', object: port }]), [{ code: 'EINVAL' }], 'and freed once');
  });
}
