/** The bytes of FOU requests are those that `ip fou` sends, and the kernel's replies are read (captures-fou.json). */
import t from 'tap';
import * as k from '../../src/constants/index.ts';
import { decodeFamily, familyLookup } from '../../src/generic/family.ts';
import { decodeFouPort, type FouOperation, type FouPort, fouRequest } from '../../src/generic/fou.ts';
import { type Request, request } from '../../src/message/request.ts';
import { bytesOf, Captures, eachMessage, fromHex, requestHex } from '../fixtures/captures.ts';

const captures = new Captures('captures-fou.json');
const familyId = familyOf('add gue').id;

function familyOf(name: string) {
  const found: ReturnType<typeof decodeFamily>[] = [];
  eachMessage(captures.named(name).received, (header, body) => {
    if (header.type === k.GENL_ID_CTRL) found.push(decodeFamily(body));
  });
  const [family] = found;
  if (family === undefined) throw new Error(`no family in ${name}`);
  return family;
}

const port = (number: number, more: Partial<FouPort> = {}): FouPort => ({
  family: k.AF_INET,
  port: number,
  type: k.FOU_ENCAP_GUE,
  ...more,
});
const direct = { type: k.FOU_ENCAP_DIRECT };

const operations: Readonly<Record<string, FouOperation>> = {
  'add gue': { action: 'add', object: port(5555) },
  'add fou': { action: 'add', object: port(5556, { ...direct, ipProtocol: k.IPPROTO_IPIP }) },
  'add gue v6': { action: 'add', object: port(5557, { family: k.AF_INET6 }) },
  'add gue local': { action: 'add', object: port(5558, { local: bytesOf('127.0.0.1'), index: 1 }) },
  delete: { action: 'delete', object: port(5555, direct) },
};

t.test('the family', async (t) => {
  t.strictSame(familyOf('add gue'), { id: 32, name: k.FOU_GENL_NAME, version: k.FOU_GENL_VERSION });
  const lookup = request(k.GENL_ID_CTRL, 0, 'find', familyLookup, 'fou');
  const sent = fromHex(captures.named('add gue').sent[0] ?? '');
  // `ip` leaves the version of the controller's commands 0 and asks for no acknowledgement.
  sent[17] = 1;
  sent[6] = 5;
  t.equal(requestHex(lookup, sent), Buffer.from(sent).toString('hex'));
});

for (const [name, operation] of Object.entries(operations)) {
  t.test(name, async (t) => {
    const sent = captures.named(name).sent.at(-1) ?? '';
    t.equal(requestHex(fouRequest(familyId, operation), fromHex(sent)), sent);
  });
}

t.test('ports as the kernel lists them', async (t) => {
  const ports: FouPort[] = [];
  eachMessage(captures.named('list').received, (header, body) => {
    if (header.type === familyId) ports.push(decodeFouPort(body));
  });
  const byNumber = ports.toSorted((left, right) => left.port - right.port);
  t.strictSame(
    byNumber,
    Object.values(operations)
      .filter(({ action }) => action === 'add')
      .map(({ object }) => object),
  );
});

t.test('what is said of a refusal', async (t) => {
  const refused: Request = fouRequest(familyId, { action: 'add', object: port(5555) });
  t.match(refused.refusal({ errno: 98, extended: {} }), { code: 'EADDRINUSE', request: 'fou add port 5555' });
});
