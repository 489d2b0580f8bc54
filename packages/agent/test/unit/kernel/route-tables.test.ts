import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ensureRouteTable, planRouteTables, routeTables } from '../../../src/kernel/route-tables.ts';

const { kubeRouter, dsr } = routeTables;
const usual = '#\n255\tlocal\n254\tmain\n#1\tinr.ruhep\n';

t.test('lines as the original writes them (B-74, V-53)', (t) => {
  t.strictSame(
    Object.values(routeTables).map((table) => planRouteTables('', table)),
    [{ append: '77 kube-router\n' }, { append: '78 kube-router-dsr\n' }, { append: '79 external_ip\n' }],
  );
  t.strictSame(planRouteTables(usual, kubeRouter), { append: '77 kube-router\n' });
  t.strictSame(planRouteTables('255 local', kubeRouter), { append: '\n77 kube-router\n' });
  t.strictSame(planRouteTables(`${usual}77\tkube-router # ours`, kubeRouter), { append: undefined });
  t.strictSame(planRouteTables(`${usual}0x4d kube-router`, kubeRouter), { append: undefined });
  t.strictSame(planRouteTables('78 kube-router-dsr\n', kubeRouter), { append: '77 kube-router\n' }, 'a longer name');
  t.strictSame(planRouteTables('#77 other\n', kubeRouter), { append: '77 kube-router\n' }, 'a comment');
  t.strictSame(
    planRouteTables('# kube-router\n', kubeRouter),
    { append: '77 kube-router\n' },
    'a comment with the name',
  );
  t.strictSame(planRouteTables('77 vpn\n', kubeRouter), { clash: '77 vpn' });
  t.strictSame(planRouteTables('12 kube-router-dsr\n', dsr), { clash: '12 kube-router-dsr' });
  t.end();
});

t.test('the first file that is there; a second time changes nothing', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'routelet-tables-'));
  const files = ['etc', 'lib', 'share'].map((name) => join(folder, name));
  const [etc = '', lib = '', share = ''] = files;
  t.match(await ensureRouteTable(kubeRouter, files), /^no line "77 kube-router": none of .*\/etc, .* is there$/);
  await writeFile(lib, usual);
  await writeFile(share, usual);
  for (let i = 0; i < 2; i++) t.equal(await ensureRouteTable(kubeRouter, files), undefined);
  t.equal(await readFile(lib, 'utf8'), `${usual}77 kube-router\n`);
  t.equal(await readFile(share, 'utf8'), usual);
  await writeFile(etc, '77 vpn\n');
  t.equal(await ensureRouteTable(kubeRouter, files), `${etc} says "77 vpn", expected "77 kube-router"`);
  t.match(await ensureRouteTable(kubeRouter, [folder]), /^no line "77 kube-router" in .*EISDIR/);
});
