/** Families of generic netlink: the controller itself is in every kernel, another is in none. */
import t from 'tap';
import { GenericNetlink } from '../../src/client/generic.ts';
import { GENL_ID_CTRL } from '../../src/constants/genetlink.ts';
import { FOU_ENCAP_GUE, Fou } from '../../src/index.ts';

for (const native of [true, false]) {
  await t.test(native ? 'with koffi' : 'without koffi', async (t) => {
    const client = await GenericNetlink.open({ native });
    t.teardown(() => client.close());
    t.match(await client.family('nlctrl'), { id: GENL_ID_CTRL, name: 'nlctrl' });
    await t.rejects(client.family('nofamily'), {
      name: 'NetlinkError',
      code: 'ENOFAMILY',
      message: /generic netlink family nofamily.*module missing/,
    });
  });
}

await t.test('a kernel without fou says so at each operation, and takes what one with it does', async (t) => {
  const fou = await Fou.open();
  t.teardown(() => fou.close());
  const [error] = await fou.apply([{ action: 'add', object: { family: 2, port: 5555, type: FOU_ENCAP_GUE } }]);
  if (error === undefined) {
    t.match(await fou.ports(), [{ family: 2, port: 5555, type: FOU_ENCAP_GUE }]);
    return;
  }
  t.match(error, { code: 'ENOFAMILY', request: 'fou add port 5555' });
  await t.rejects(fou.ports(), { code: 'ENOFAMILY' });
  t.strictSame(await fou.apply([]), []);
});
